"""The parameters of a model as they are built, and how the ways of sharing it among devices cut them.

Counted on the meta device: exact, and no memory is taken.  Loads torch.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from torch import nn

from seqspec.compile.build.program import build
from seqspec.compile.cost.parameter_table import assumed
from seqspec.compile.plan.plan import Compiled
from seqspec.components._layers.tensor_parallel import TensorParallel
from seqspec.components.recomputable import recomputable
from seqspec.components.stacked import stacked_blocks


class ModelParameters(NamedTuple):
    """Sizes of parameters; one that is tied or shared counts once."""

    trained: Mapping[str, int]
    """By name."""
    frozen: Mapping[str, int]
    """Those that stand still from first to last, by name."""
    outside: int
    """All that belong to no block of a stack: what ``fsdp`` gathers for the whole of a pass."""
    block: int
    """Those of the largest block of a stack."""
    split: int
    """Those of the layers that ``tp`` splits."""
    recomputed: frozenset[str]
    """The parts of the model whose layers are worked out again in the backward pass."""


def model_parameters(compiled: Compiled) -> ModelParameters:
    """Those of the model that a spec builds."""
    told = assumed(compiled)
    program = build(told.plan, tree=told.tree, device="meta")
    model = program.module
    named = dict(model.named_parameters())
    blocks = [_size(block.parameters()) for block in stacked_blocks(model)]
    checkpointing = told.plan.experiment.train.gradient_checkpointing
    return ModelParameters(
        trained=dict(program.parameters()),
        frozen={name: one.numel() for name, one in named.items() if not one.requires_grad},
        outside=_size(named.values()) - sum(blocks),
        block=max(blocks, default=0),
        split=_size(_splits(model)),
        recomputed=frozenset(
            name for name, part in model.named_children() if checkpointing and recomputable(part)
        ),
    )


def _splits(model: nn.Module) -> Iterator[nn.Parameter]:
    for module in model.modules():
        plan = module.tensor_plan() if isinstance(module, TensorParallel) else None
        if plan is not None:
            yield from (module.get_parameter(f"{layer}.weight") for layer in plan.layers)
            yield from (module.get_parameter(weight) for weight in plan.weights)


def _size(parameters: Iterable[nn.Parameter]) -> int:
    return sum({id(one): one.numel() for one in parameters}.values())
