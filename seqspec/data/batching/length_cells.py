"""Length cells: examples that count as equally long, so that each epoch may shuffle them.

Lengths are compared in steps of two per cent, exactly below fifty.  A split of ten million examples has a few
thousand cells, and everything about its batches is worked out on them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from seqspec.data.store.store import blocks

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


class CellOf:
    """The number of the cell that each row of a block of lengths belongs to."""

    def __init__(self, keys: np.ndarray, width: int) -> None:
        self._width = width
        self._numbers = np.zeros(int(keys.max(initial=0)) + 1, np.int32)
        self._numbers[keys] = np.arange(len(keys))

    def __call__(self, lengths: np.ndarray) -> np.ndarray:
        found: np.ndarray = self._numbers[_joint(lengths, self._width)]
        return found


def find_cells(lengths: np.ndarray, cost: Callable[[np.ndarray], np.ndarray]) -> tuple[Cells, CellOf]:
    """The cells of ``[N, 2]`` lengths, and which cell a row is in; read block by block."""
    highest = [int(lengths[:, side].max(initial=0)) for side in (0, 1)]
    most, width = (int(last) + 1 for last in quantized(np.array(highest)))
    counts = np.zeros(most * width, np.int64)
    longest = np.zeros((most * width, 2), np.int64)
    totals = np.zeros(most * width)
    for start, stop in blocks(len(lengths)):
        held = np.asarray(lengths[start:stop])
        joint = _joint(held, width)
        counts += np.bincount(joint, minlength=len(counts))
        totals += np.bincount(joint, weights=held.sum(axis=1), minlength=len(counts))
        for side in (0, 1):
            np.maximum.at(longest[:, side], joint, held[:, side])
    keys = np.flatnonzero(counts)
    pairs = np.stack([keys // width, keys % width], axis=1)
    cells = Cells(pairs, counts[keys], longest[keys], totals[keys], cost(longest[keys]))
    return cells, CellOf(keys, width)


def _joint(lengths: np.ndarray, width: int) -> np.ndarray:
    joint: np.ndarray = quantized(lengths[:, 0]) * width + quantized(lengths[:, 1])
    return joint


def snake(cells: Cells, *, by: int, coarse: float) -> np.ndarray:
    """Cells sorted by one side (``by``, 0 source, 1 target) and then by the other, upwards and downwards in
    turn.

    The first side is compared in steps of ``coarse`` where that is wider than a cell.
    """
    first, second = cells.keys[:, by], cells.keys[:, 1 - by]
    group = quantized(cells.longest[:, by], coarse) if coarse > STEP else first
    rank = np.unique(group, return_inverse=True)[1]
    return np.lexsort((first, np.where(rank % 2 == 0, second, -second), rank))


def examples_by_cell(
    lengths: np.ndarray, *, cell_of: CellOf, order: np.ndarray, starts: np.ndarray, out: np.ndarray
) -> np.ndarray:
    """``[N]``, written to ``out``: the examples cell by cell, in corpus order within a cell.

    ``starts`` says where the cells begin once they stand in ``order``.
    """
    rank = np.empty(len(order), np.uint16 if len(order) <= 65_536 else np.int32)
    rank[order] = np.arange(len(order))
    free = starts[:-1].copy()
    for start, stop in blocks(len(lengths)):
        ranks = rank[cell_of(np.asarray(lengths[start:stop]))]
        members = np.argsort(ranks, kind="stable")
        counts = np.bincount(ranks, minlength=len(order))
        shift = free - (np.cumsum(counts) - counts)
        out[np.arange(stop - start) + np.repeat(shift, counts)] = members + start
        free += counts
    return out


def quantized(lengths: np.ndarray, step: float = STEP) -> np.ndarray:
    """Lengths in relative steps: exact below ``1 / step``, then one number for each ``step`` of growth."""
    exact = int(1 / step)
    grown = exact + np.floor(np.log(np.maximum(lengths, exact) / exact) / np.log1p(step)).astype(np.int64)
    found: np.ndarray = np.where(lengths <= exact, lengths, grown)
    return found
