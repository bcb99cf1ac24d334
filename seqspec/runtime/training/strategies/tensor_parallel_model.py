"""A model whose attention heads and feed-forward networks are split over processes.

Every process works on the same batches, with all that the model does not split done alike in each.  What can
be split, its parts say themselves: see ``TensorParallel``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.tensor import Placement, Shard, distribute_tensor
from torch.distributed.tensor.placement_types import _StridedShard

from seqspec.components._layers.linear import LOW_RANK, Linear
from seqspec.components._layers.tensor_parallel import (
    Columns,
    Group,
    Rows,
    Split,
    TensorParallel,
    TensorPlan,
)
from seqspec.runtime.devices.launch import Place
from seqspec.runtime.devices.sharded_tensors import gathered, is_sharded
from seqspec.schema.diagnostic import Exit, RunError

T = TypeVar("T")


class TensorParallelModel:
    """Splits ``model``, in place; made in every process at once, before the optimiser.

    Raises ``RunError`` where its parts do not divide.
    """

    def __init__(self, model: Any, place: Place, *, device: str) -> None:
        self._parts = tuple(splittable(model))
        require_divisible(self._parts, place.world)
        mesh = init_device_mesh(device, (place.world,))
        self._group = Group(mesh, place.rank, place.world)
        for part in self._parts:
            for name, how in part.plan.layers.items():
                _split(part.module.get_submodule(name), how, self._group)
        self._set(self._group)

    @property
    def counts(self) -> bool:
        """All processes see the same micro-batches; the first counts them."""
        return self._group.rank == 0

    def suit(self, optimizer: torch.optim.Optimizer) -> None:
        """Torch's kernels for many parameters take parts, or whole ones, and not both at once; that of
        gradient descent takes no parts.
        """
        groups: list[dict[str, Any]] = []
        for group in optimizer.param_groups:
            split = [parameter for parameter in group["params"] if is_sharded(parameter)]
            whole = [parameter for parameter in group["params"] if not is_sharded(parameter)]
            plain = {"fused": False, "foreach": True} if isinstance(optimizer, torch.optim.SGD) else {}
            groups += [{**group, **plain, "params": split}] if split else []
            groups += [{**group, "params": whole}] if whole else []
        optimizer.param_groups[:] = groups

    def run(self, work: Callable[[], T]) -> T:
        """The layers send what they have to by themselves."""
        return work()

    @contextmanager
    def gathered(self) -> Iterator[None]:
        """Every process holds all weights until the end, and works by itself; all enter together."""
        kept = [(layer, layer.split, dict(layer._parameters)) for layer in self._layers()]
        for layer, _, held in kept:
            for name, parameter in held.items():
                layer._parameters[name] = None if parameter is None else _whole(parameter)
            layer.split = None
        self._set(None)
        try:
            yield
        finally:
            for layer, split, held in kept:
                layer._parameters.update(held)
                layer.split = split
            self._set(self._group)

    def average_gradients(self) -> None:
        """The backward pass has summed them already."""

    def share_buffers(self) -> None:
        """Every process has seen the same batches."""

    def _layers(self) -> Iterator[Linear]:
        for part in self._parts:
            for name in part.plan.layers:
                layer = part.module.get_submodule(name)
                assert isinstance(layer, Linear)
                yield layer

    def _set(self, group: Group | None) -> None:
        for part in self._parts:
            part.module.group = group


@dataclass(frozen=True)
class Part:
    """A part of a model that can be split."""

    name: str
    module: Any
    plan: TensorPlan


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
        layers = [module.get_submodule(layer) for layer in plan.layers]
        alone = all(holders[id(p)] == 1 for layer in layers for p in layer.parameters())
        if alone and all(isinstance(layer, Linear) and LOW_RANK not in layer._modules for layer in layers):
            yield Part(name, module, plan)


def require_divisible(parts: tuple[Part, ...], processes: int) -> None:
    """Raises ``RunError`` where there is nothing to split, or it cannot be split by so many."""
    if not parts:
        raise RunError(
            "`--strategy tp` splits attention and feed-forward networks, and nothing in this model says how",
            exit=Exit.USAGE,
            help="use `--strategy fsdp`, or leave it out",
        )
    for part in parts:
        for what, count in part.plan.counts.items():
            if count % processes:
                raise RunError(
                    f"{processes} processes do not divide the {count} of `{what}` in `{part.name}`",
                    exit=Exit.USAGE,
                    help=f"use a number of devices that divides {count}, or `--strategy fsdp`",
                )


def _split(layer: nn.Module, how: Columns | Rows, group: Group) -> None:
    assert isinstance(layer, Linear)
    weight = layer.weight
    assert isinstance(weight, nn.Parameter)
    layer.split = Split(group, how)
    layer.weight = _shared(weight, _placement(how, dim=0 if isinstance(how, Columns) else 1), group)
    if isinstance(how, Columns) and isinstance(layer.bias, nn.Parameter):
        layer.bias = _shared(layer.bias, _placement(how, dim=0), group)


def _placement(how: Columns | Rows, *, dim: int) -> Placement:
    pieces = how.pieces if isinstance(how, Columns) else 1
    return Shard(dim) if pieces == 1 else _StridedShard(dim, split_factor=pieces)


def _shared(parameter: nn.Parameter, placement: Placement, group: Group) -> nn.Parameter:
    """The parameter as each process's part of it, with whatever others have noted on it."""
    part: Tensor = distribute_tensor(parameter.detach(), group.mesh, [placement], src_data_rank=None)
    given = nn.Parameter(part, requires_grad=parameter.requires_grad)
    vars(given).update(vars(parameter))
    return given


def _whole(parameter: nn.Parameter) -> nn.Parameter:
    return nn.Parameter(gathered(parameter), requires_grad=parameter.requires_grad)
