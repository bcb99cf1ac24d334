"""Builds one model from the text a person would write, through inference and construction as a run does."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Annotated, Any, NamedTuple

import torch

from seqspec.compile.build.construct import Constructor
from seqspec.compile.infer.flow import Record, TypeFlow
from seqspec.compile.infer.infer import fill
from seqspec.compile.plan.plan import Plan
from seqspec.components.loss._loss import Loss
from seqspec.components.losses import Losses, NamedLoss
from seqspec.data.batching.batch import Batch, Field
from seqspec.schema.catalogue import Catalogue
from seqspec.schema.config import Config
from seqspec.schema.slot import Slot
from seqspec.schema.types import Tokens, Type

SOURCE, TARGET = Tokens(20), Tokens(11)


class Holder(Config):
    """Where the model stands."""

    model: Annotated[Config, Slot("model")]
    """The model."""
    plugins: list[str] = []
    """None."""


class Built(NamedTuple):
    model: Any
    gives: Type
    faults: list[str]


def infer(data: dict[str, Any], source: dict[str, Type]) -> tuple[Any, list[str], Type, Any]:
    holder = Holder.model_validate({"model": data}, context=Catalogue())
    record = Record(facts={})
    gives = TypeFlow(holder, (), record).node("model", source)
    return fill(holder, record.inferred), [f.message for f in record.findings], gives, record


def build(
    data: dict[str, Any], source: dict[str, Type] | None = None, *, seed: int = 0, device: str = "cpu"
) -> Built:
    filled, faults, gives, record = infer(data, source or {"source": SOURCE, "target": TARGET})
    assert faults == []
    constructor = Constructor(Plan(filled, tuple(record.nodes), ()))
    torch.manual_seed(seed)
    with torch.device(device):
        model = constructor.build("model")
    assert [(f.at, f.message) for f in constructor.unread()] == []
    return Built(model, gives, faults)


def loss_of(model: Any, batch: Batch, criterion: Any) -> Loss:
    """What a loss makes of the model's main output."""
    outputs = model.outputs(batch)
    losses = Losses({"loss": NamedLoss(next(iter(outputs)), criterion)}, last_step=1)
    return losses.sums(SimpleNamespace(outputs=lambda batch, only: outputs), batch)["loss"]


def faults(data: dict[str, Any], source: dict[str, Type] | None = None) -> list[str]:
    return infer(data, source or {"source": SOURCE, "target": TARGET})[1]


def count(model: Any) -> int:
    return sum(p.numel() for p in model.parameters() if p.requires_grad)


def batch(*, rows: int = 4, source: int = 20, target: int = 11, seed: int = 1, longest: int = 7) -> Batch:
    """Pairs of different lengths, padded with 0."""
    generator = torch.Generator().manual_seed(seed)
    source_lengths = torch.tensor([longest - row % longest for row in range(rows)])
    target_lengths = torch.tensor([1 + (3 * row + 4) % longest for row in range(rows)])
    source_ids = torch.randint(4, source, (rows, longest), generator=generator)
    target_ids = torch.randint(4, target, (rows, longest), generator=generator)
    places = torch.arange(longest)
    source_ids[places >= source_lengths[:, None]] = 0
    target_ids[places >= target_lengths[:, None]] = 0
    size = int(target_lengths.max())
    return Batch.pair(
        source_ids, source_lengths, target_ids[:, :size], target_lengths, torch.arange(rows), 0, 1.0
    )


def replaced(of: Batch, **changes: object) -> Batch:
    """A batch with other values (``source``) or lengths (``source_lengths``) of its source or target; a source
    that is ``None`` is left out.
    """
    fields: dict[str, Field | None] = {}
    for role in ("source", "target"):
        held = of.fields.get(role, Field(torch.empty(0), None))
        values, lengths = changes.pop(role, held.values), changes.pop(f"{role}_lengths", held.lengths)
        there = role in of.fields or lengths is not held.lengths or values is not held.values
        fields[role] = Field(values, lengths) if there and values is not None else None
    return of.with_fields(**fields)._replace(**changes)


def only(row: int, of: Batch) -> Batch:
    """One example of a batch, without its padding."""
    assert of.source is not None
    assert of.source_lengths is not None
    assert of.target_lengths is not None
    return Batch.pair(
        of.source[row : row + 1, : of.source_lengths[row]],
        of.source_lengths[row : row + 1],
        of.target[row : row + 1, : of.target_lengths[row]],
        of.target_lengths[row : row + 1],
        of.index[row : row + 1],
        0,
        1.0,
    )
