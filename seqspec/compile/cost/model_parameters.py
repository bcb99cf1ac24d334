"""The parameters of a model as they are built, and how the ways of sharing it among devices cut them.

Counted on the meta device: exact, and no memory is taken.  Loads torch.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from torch import nn

from seqspec.compile.build.program import build
from seqspec.compile.cost.parameter_table import assumed
from seqspec.compile.plan.plan import Compiled
from seqspec.components.recomputable import recomputable
from seqspec.components.splittable import Part, splittable
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
    split_outside: int
    """Of these, those that belong to no block."""
    split_block: int
    """Of these, those of the block that has most."""
    parts: tuple[Part, ...]
    """Those that ``tp`` splits, on the meta device."""
    recomputed: frozenset[str]
    """The parts of the model whose layers are worked out again in the backward pass."""


def model_parameters(compiled: Compiled) -> ModelParameters:
    """Those of the model that a spec builds."""
    told = assumed(compiled)
    program = build(told.plan, tree=told.tree, device="meta")
    model = program.module
    named = dict(model.named_parameters())
    stacked = list(stacked_blocks(model))
    blocks = [_size(block.parameters()) for block in stacked]
    parts = tuple(splittable(model))
    split = {id(weight): weight.numel() for part in parts for weight in part.weights()}
    of_blocks = [sum(split.get(id(one), 0) for one in block.parameters()) for block in stacked]
    checkpointing = told.plan.experiment.train.gradient_checkpointing
    return ModelParameters(
        trained=dict(program.parameters()),
        frozen={name: one.numel() for name, one in named.items() if not one.requires_grad},
        outside=_size(named.values()) - sum(blocks),
        block=max(blocks, default=0),
        split=sum(split.values()),
        split_outside=sum(split.values()) - sum(of_blocks),
        split_block=max(of_blocks, default=0),
        parts=parts,
        recomputed=frozenset(
            name for name, part in model.named_children() if checkpointing and recomputable(part)
        ),
    )


def _size(parameters: Iterable[nn.Parameter]) -> int:
    return sum({id(one): one.numel() for one in parameters}.values())
