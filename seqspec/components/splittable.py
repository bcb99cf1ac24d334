"""The parts of a model that processes can split among themselves: see ``TensorParallel``."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from torch import nn

from seqspec.components._layers.linear import LOW_RANK, Linear
from seqspec.components._layers.low_rank import LowRank
from seqspec.components._layers.tensor_parallel import Columns, Rows, TensorParallel, TensorPlan
from seqspec.schema.diagnostic import Exit, RunError


@dataclass(frozen=True)
class Part:
    """A part of a model that can be split."""

    name: str
    module: Any
    plan: TensorPlan

    def weights(self) -> Iterator[nn.Parameter]:
        """Those of its layers, and those of its own that are cut."""
        yield from (self.module.get_parameter(f"{layer}.weight") for layer in self.plan.layers)
        yield from (self.module.get_parameter(weight) for weight in self.plan.weights)


def splittable(model: nn.Module) -> Iterator[Part]:
    """The parts that say how they are split, but for those that share a weight with another."""
    holders: dict[int, int] = {}
    for module in model.modules():
        for parameter in module.parameters(recurse=False):
            holders[id(parameter)] = holders.get(id(parameter), 0) + 1
    for name, module in model.named_modules():
        plan = module.tensor_plan() if isinstance(module, TensorParallel) else None
        if plan is None:
            continue
        layers = {layer: module.get_submodule(layer) for layer in plan.layers}
        weights = [p for layer in layers.values() for p in layer.parameters()]
        weights += [module.get_parameter(weight) for weight in plan.weights]
        alone = all(holders[id(weight)] == 1 for weight in weights)
        if alone and all(_can_be_split(layer, plan.layers[key]) for key, layer in layers.items()):
            yield Part(name, module, plan)


def fitting(parts: Iterable[Part], *, processes: int) -> int:
    """The largest divisor of ``processes`` that can split all of them."""
    return math.gcd(processes, *(count for part in parts for count in part.plan.counts.values()))


def require_splittable(parts: Sequence[Part], *, processes: int) -> None:
    """Raises ``RunError`` where there is nothing to split, or it cannot be split by so many."""
    if not parts:
        raise RunError(
            "tensor parallelism splits attention and feed-forward networks, "
            "and it finds none in this model that it can split",
            exit=Exit.USAGE,
            help="use `--strategy fsdp` alone, or leave both out",
        )
    fits = fitting(parts, processes=processes)
    for part in parts:
        for what, count in part.plan.counts.items():
            if count % processes:
                group = f"`--tensor-parallel {fits}`, or " if fits > 1 else ""
                raise RunError(
                    f"{processes} processes do not divide the {count} of `{what}` in `{part.name}`",
                    exit=Exit.USAGE,
                    help=f"use {group}`--strategy fsdp` alone",
                )


def _can_be_split(layer: nn.Module, how: Columns | Rows) -> bool:
    beside = layer._modules.get(LOW_RANK)
    fits = beside is None or (isinstance(beside, LowRank) and beside.cuts(how) is not None)
    return isinstance(layer, Linear) and fits
