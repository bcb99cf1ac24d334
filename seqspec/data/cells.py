"""Length cells: examples that count as equally long, so that each epoch may shuffle them.

Lengths are compared in steps of two per cent, exactly below fifty.  A split of ten million examples has a few
thousand cells, and everything about its batches is worked out on them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

STEP = 0.02
"""Relative width of a cell."""


@dataclass(frozen=True)
class Cells:
    """The cells of a split, in some order."""

    keys: np.ndarray
    """``[C, 2]``: quantised source and target length."""
    counts: np.ndarray
    """``[C]``: examples in each."""
    longest: np.ndarray
    """``[C, 2]``: longest source and longest target in each."""
    totals: np.ndarray
    """``[C]``: ids and frames of all examples of each, source and target together."""
    cost: np.ndarray
    """``[C]``: what the costliest example counts for."""

    def ordered(self, order: np.ndarray) -> Cells:
        """The same cells in another order."""
        return Cells(*(getattr(self, name)[order] for name in self.__dataclass_fields__))

    @property
    def starts(self) -> np.ndarray:
        """``[C + 1]``: where each starts when examples stand cell by cell."""
        return np.concatenate([[0], np.cumsum(self.counts)]).astype(np.int64)


def find_cells(lengths: np.ndarray, cost: Callable[[np.ndarray], np.ndarray]) -> tuple[Cells, np.ndarray]:
    """The cells of ``[N, 2]`` lengths, and the number of each example's cell."""
    source, target = quantized(lengths[:, 0]), quantized(lengths[:, 1])
    width = int(target.max(initial=0)) + 1
    joint = source * width + target
    present, numbers, counts = _distinct(joint)
    longest = np.zeros((len(present), 2), np.int64)
    for side in (0, 1):
        np.maximum.at(longest[:, side], numbers, lengths[:, side])
    totals = np.bincount(numbers, weights=lengths.sum(axis=1), minlength=len(present))
    keys = np.stack([present // width, present % width], axis=1)
    return Cells(keys, counts, longest, totals, cost(longest)), numbers


def snake(cells: Cells, *, by: int, coarse: float) -> np.ndarray:
    """Cells sorted by one side (``by``, 0 source, 1 target) and then by the other, upwards and downwards in
    turn.

    The first side is compared in steps of ``coarse`` where that is wider than a cell.
    """
    first, second = cells.keys[:, by], cells.keys[:, 1 - by]
    group = quantized(cells.longest[:, by], coarse) if coarse > STEP else first
    rank = np.unique(group, return_inverse=True)[1]
    return np.lexsort((first, np.where(rank % 2 == 0, second, -second), rank))


def examples_by_cell(numbers: np.ndarray, order: np.ndarray) -> np.ndarray:
    """``[N]`` int32: the examples cell by cell, in corpus order within a cell."""
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    kind = np.uint16 if len(order) <= 65_536 else np.int32
    return np.argsort(rank.astype(kind)[numbers], kind="stable").astype(np.int32)


def quantized(lengths: np.ndarray, step: float = STEP) -> np.ndarray:
    """Lengths in relative steps: exact below ``1 / step``, then one number for each ``step`` of growth."""
    exact = int(1 / step)
    table = np.arange(int(lengths.max(initial=0)) + 1)
    grown = exact + np.floor(np.log(np.maximum(table, exact) / exact) / np.log1p(step)).astype(np.int64)
    found: np.ndarray = np.where(table <= exact, table, grown)[lengths]
    return found


def _distinct(values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Distinct values, the place of each value among them, and how often each occurs; by counting, not
    sorting.
    """
    counts = np.bincount(values)
    present = np.flatnonzero(counts)
    place = np.zeros(len(counts), np.int32)
    place[present] = np.arange(len(present))
    return present, place[values], counts[present]
