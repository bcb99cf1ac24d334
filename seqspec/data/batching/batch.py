"""The batch: what a loader gives and a model takes."""

# B batch, T time, D features, U target time

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from torch import Tensor


class InLanes(NamedTuple):
    """Where the rows of a batch stand that follow those of the batch before."""

    numbers: tuple[int, ...]
    """The lane of each row."""
    begins: bool
    """They are the first of their lanes."""


class Field(NamedTuple):
    """One field of every example of a batch."""

    values: Tensor
    """``[B, T]`` int64 ids (without BOS and EOS) or whole numbers, ``[B, T]`` or ``[B, T, D]`` float32
    sequences, ``[B, C, H, W]`` images, ``[B, H, W]`` int64 masks, ``[B, D]`` vectors, ``[B]`` labels or
    numbers; 0 pads.
    """
    lengths: Tensor | None = None
    """``[B]`` int64; none where every example is of one size."""


class Batch(NamedTuple):
    """One micro-batch of one optimiser step's batch, or one batch of an evaluation."""

    fields: Mapping[str, Field]
    """What the corpus gives, by name; of packed rows ``source`` holds the inputs, ``target`` the labels."""
    index: Tensor  # type: ignore[assignment]  # a tuple has a method of the name
    """``[B]`` int64: the row of each example in its split."""
    step: int
    """Micro-step of the whole run, from 0; evaluation counts its own batches."""
    loss_normalizers: Mapping[str, float]
    """What the sum of each loss is divided by: its targets in the global batch over the number of
    micro-batches.
    """
    segments: Tensor | None = None
    """``[B, U]`` int64: the document that each packed token belongs to, from 1; 0 is padding."""
    task: str = ""
    """The task that it serves, where there are several."""
    lanes: InLanes | None = None
    """Where its rows stand, where each follows a row of the batch before."""

    @classmethod
    def pair(
        cls,
        source: Tensor | None,
        source_lengths: Tensor | None,
        target: Tensor,
        target_lengths: Tensor | None,
        index: Tensor,
        step: int = 0,
        loss_normalizer: float = 1.0,
        segments: Tensor | None = None,
    ) -> Batch:
        """A batch with a target and, where it is given, a source; one loss."""
        read = {} if source is None else {"source": Field(source, source_lengths)}
        fields = {**read, "target": Field(target, target_lengths)}
        return cls(fields, index, step, {"loss": loss_normalizer}, segments)

    @property
    def source(self) -> Tensor | None:
        """Values of the field ``source``; none for language models."""
        return self.fields["source"].values if "source" in self.fields else None

    @property
    def source_lengths(self) -> Tensor | None:
        """Lengths of ``source``."""
        return self.fields["source"].lengths if "source" in self.fields else None

    @property
    def target(self) -> Tensor:
        """Values of the field ``target``."""
        return self.fields["target"].values

    @property
    def target_lengths(self) -> Tensor | None:
        """Lengths of ``target``."""
        return self.fields["target"].lengths

    @property
    def loss_normalizer(self) -> float:
        """The normaliser of the first loss."""
        return next(iter(self.loss_normalizers.values()))

    def with_fields(self, **fields: Field | None) -> Batch:
        """The batch with other fields; one that is ``None`` is left out."""
        held = {**self.fields, **fields}
        return self._replace(fields={name: field for name, field in held.items() if field is not None})

    def with_values(self, **values: Tensor) -> Batch:
        """The batch with other values of fields whose lengths stay."""
        return self.with_fields(**{name: self.fields[name]._replace(values=x) for name, x in values.items()})

    def map(self, change: Callable[[Tensor], Tensor]) -> Batch:
        """The batch with every tensor changed: moved to a device, or cut down to some rows."""
        fields = {
            name: Field(change(field.values), _changed(field.lengths, change))
            for name, field in self.fields.items()
        }
        return self._replace(
            fields=fields, index=change(self.index), segments=_changed(self.segments, change)
        )


def _changed(x: Tensor | None, change: Callable[[Tensor], Tensor]) -> Tensor | None:
    return None if x is None else change(x)
