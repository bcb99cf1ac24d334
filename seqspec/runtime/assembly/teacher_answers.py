"""A teacher that reads each example by itself, and keeps what it answered.

Products of matrices give other last bits beside other rows, so what was answered in one batch is not what the
next would give.  An example by itself is answered alike in every epoch, whatever was kept: the memory that
answers may take changes no bit, nor does a restart that begins with none.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from seqspec.components.outputs import Only
from seqspec.data.batching.batch import Batch, Field

MEGABYTE = 2**20


class ByExample(nn.Module):
    """Answers of ``teacher``, an example at a time; those of the first ones are kept, up to ``megabytes``."""

    def __init__(self, teacher: Any, *, megabytes: int) -> None:
        super().__init__()
        self.teacher = teacher
        self.kept = 0
        """Answers that are held."""
        self._left = megabytes * MEGABYTE
        self._held: dict[tuple[int, Only], dict[str, Any]] = {}

    def outputs(self, batch: Batch, *, only: Only = None) -> dict[str, Any]:
        """Those of every row, padded to the longest; what lies beyond a row's end is zero."""
        rows = [self._answer(batch, place, row, only) for place, row in enumerate(batch.index.tolist())]
        return {name: _joined([row[name] for row in rows]) for name in rows[0]}

    def _answer(self, batch: Batch, place: int, row: int, only: Only) -> dict[str, Any]:
        known = self._held.get((row, only))
        if known is not None:
            return known
        given: dict[str, Any] = self.teacher.outputs(_alone(batch, place), only=only)
        size = sum(part.nbytes for output in given.values() for part in output if isinstance(part, Tensor))
        if size <= self._left:
            self._left -= size
            self._held[row, only] = given
            self.kept += 1
        return given


def _alone(batch: Batch, place: int) -> Batch:
    """One row of a batch, without its padding."""
    fields = {}
    for name, (values, lengths) in batch.fields.items():
        one = values[place : place + 1]
        if lengths is None:
            fields[name] = Field(one, None)
        else:
            fields[name] = Field(one[:, : int(lengths[place])], lengths[place : place + 1])
    return batch._replace(fields=fields, index=batch.index[place : place + 1])


def _joined(outputs: list[Any]) -> Any:
    """Outputs of one row each as one."""
    return type(outputs[0])(*map(_stacked, zip(*outputs, strict=True)))


def _stacked(parts: tuple[Any, ...]) -> Any:
    first = parts[0]
    if not isinstance(first, Tensor):
        return first  # a head, or how many labels count as one target
    if first.dim() == 1:
        return torch.cat(parts)
    width = max(part.shape[1] for part in parts)
    found = first.new_zeros((len(parts), width, *first.shape[2:]))
    for row, part in zip(found, parts, strict=True):
        row[: part.shape[1]] = part[0]
    return found
