"""Any component of a slot, as small as it gets, built as a run builds it; for tests over the folder listing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, NamedTuple

import torch
from pydantic import ValidationError, create_model

from seqspec.compile.build.construct import Constructor
from seqspec.compile.infer.flow import Record, TypeFlow
from seqspec.compile.infer.infer import fill
from seqspec.compile.plan.plan import Plan
from seqspec.schema.catalogue import Catalogue
from seqspec.schema.config import Config
from seqspec.schema.slot import Slot
from seqspec.schema.types import Frames, Image, Points, Poison, States, Tokens, Type

CATALOGUE = Catalogue()
SMALL: dict[str, Any] = {
    "dim": 24,
    "num_layers": 2,
    "num_heads": 4,
    "feed_forward_dim": 24,
    "kernel": 5,
    "channels": 4,
    "subsampling_channels": 3,
    "dropout": 0.0,
    "num_blocks": 1,
    "bias": True,
    "rotary": False,
    "num_features": 16,
    "max_length": 64,
    "num_slots": 8,
    "state_dim": 8,
    "head_dim": 8,
    "segment": 8,
    "memory": 12,
    "compressed": 5,
    "rate": 4,
    "window": 4,
    "block": 4,
    "max_steps": 3,
    "num_layers_per_block": 1,
    "attention_dropout": 0.0,
    "position_kernel": 4,
    "position_groups": 4,
    "patch": 8,
    "feature_dims": [8, 8],
    "feature_kernels": [4, 2],
    "feature_strides": [2, 2],
}
"""A small value of a field, whichever component has it."""
SOURCES: tuple[Type, ...] = (Frames(24, 100), States(24), Image(3, 32, 32), Points(3), Frames(1, 16_000),
                             Tokens(19))  # fmt: skip


Sources = tuple[Type | Mapping[str, Type], ...]


class Built(NamedTuple):
    module: Any
    takes: Any
    gives: Type
    auxiliary: bool


def smallest(slot: str, name: str) -> dict[str, Any]:
    """Settings of a component by the names of its fields; what is left out has a default that fits."""
    fields = CATALOGUE.config(slot, name).model_fields
    wanted = {field: SMALL[field] for field in fields if field in SMALL}
    while True:
        try:
            CATALOGUE.config(slot, name).model_validate(wanted, context=CATALOGUE)
        except ValidationError as error:
            wrong = [str(one["loc"][0]) for one in error.errors() if one["loc"] and one["loc"][0] in wanted]
            if not wrong:
                raise
            for field in wrong:
                value = wanted.pop(field)
                if isinstance(value, int) and "list" in str(fields[field].annotation):
                    wanted[field] = [value, value]
        else:
            return wanted


def planned(slot: str, name: str, sources: Sources = SOURCES) -> tuple[Plan, Any, Type] | None:
    """Plan, source and output type of the component on the first of ``sources`` that it can take."""
    for source in sources:
        part = (Annotated[Config, Slot(slot)], ...)
        holder_type = create_model("Holder", __base__=Config, part=part, plugins=(list[str], []))
        holder = holder_type.model_validate(
            {"part": {"type": name, **smallest(slot, name)}}, context=CATALOGUE
        )
        record = Record(facts={})
        gives = TypeFlow(holder, (), record).node("part", source)
        if not record.findings and not isinstance(gives, Poison):
            return Plan(fill(holder, record.inferred), tuple(record.nodes), ()), source, gives
    return None


def built(slot: str, name: str, sources: Sources = SOURCES) -> Built:
    """The component, built as a run builds it, on the first of ``sources`` that it can take."""
    found = planned(slot, name, sources)
    assert found is not None, f"`{name}` takes none of {sources}"
    plan, source, gives = found
    constructor = Constructor(plan)
    torch.manual_seed(1)
    module = constructor.build("part")
    assert [(f.at, f.message) for f in constructor.unread()] == []
    return Built(module, source, gives, bool(getattr(module, "auxiliary", ())))
