"""Cutting examples in order into batches that fit a budget: count × longest, padding included."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from seqspec.data.batching.length_cells import Cells

ROUNDING = 1 + 1e-12


def cut_by_cost(cost: np.ndarray, *, size: float, most: int | None) -> np.ndarray:
    """Starts of batches of examples with these costs: each takes the next while it fits; at least one."""
    starts = [0]
    while starts[-1] < len(cost):
        start = starts[-1]
        window = min(int(size / cost[start]) + 1, most or len(cost), len(cost) - start)
        held = np.maximum.accumulate(cost[start : start + window]) * np.arange(1, window + 1)
        starts.append(start + max(1, int(np.searchsorted(held, size * ROUNDING, side="right"))))
    return np.array(starts, np.int64)


def cut_cells(
    cells: Cells, *, size: float, most: int | None, first: float = 1.0, full: float = 1.0
) -> np.ndarray:
    """Starts of batches of examples that stand cell by cell, every one as costly as the costliest of its
    cell.

    ``first`` is the share of the size that the first batch may take.  Where ``full`` is below 1 a batch ends
    where it pads least, filled to that share of what it could hold.
    """
    counts, costs, totals = cells.counts.tolist(), cells.cost.tolist(), cells.totals.tolist()
    longest = cells.longest.tolist()
    starts, cell, used = [0], 0, 0
    share = first
    while cell < len(counts):
        cap = int(np.ceil(most * share)) if most else 2**62
        ends = _fill(counts, costs, totals, longest, cell, used, size * share * ROUNDING, cap)
        end = ends[-1] if ends[-1].cell == len(counts) else _least_padding(ends, full)
        starts.append(starts[-1] + end.size)
        cell, used, share = end.cell, end.used, 1.0
    return np.array(starts, np.int64)


def waste(cells: Cells, starts: np.ndarray) -> float:
    """The share of padding when examples that stand cell by cell are cut at ``starts``, before any
    shuffle.
    """
    edges = cells.starts
    first = np.searchsorted(edges, starts[:-1], side="right") - 1
    last = np.searchsorted(edges, starts[1:], side="left")
    padded = sum(
        float(cells.longest[a:b].max(axis=0).sum()) * count
        for a, b, count in zip(first.tolist(), last.tolist(), np.diff(starts).tolist(), strict=True)
    )
    share: float = 1.0 - float(cells.totals.sum()) / max(padded, 1.0)
    return share


class _End(NamedTuple):
    """A place where a batch may end."""

    size: int
    ratio: float
    """Ids and frames with padding over those without."""
    cell: int
    used: int
    """Examples of that cell that are taken already."""


def _fill(
    counts: list[int],
    costs: list[float],
    totals: list[float],
    longest: list[list[int]],
    cell: int,
    used: int,
    allowed: float,
    cap: int,
) -> list[_End]:
    """The ends of a batch that begins ``used`` examples into ``cell``: at each cell's end, and where it
    is full.
    """
    ends: list[_End] = []
    count, held, real, source, target = 0, 0.0, 0.0, 0, 0
    while cell < len(counts):
        held = max(held, costs[cell])
        room = min(int(allowed / held), cap) - count
        left = counts[cell] - used
        take = min(max(room, 0 if count else 1), left)
        if take <= 0:
            break
        count += take
        source, target = max(source, longest[cell][0]), max(target, longest[cell][1])
        real += totals[cell] / counts[cell] * take
        used += take
        whole = take == left
        cell, used = (cell + 1, 0) if whole else (cell, used)
        ends.append(_End(count, count * (source + target) / max(real, 1.0), cell, used))
        if not whole:
            break
    return ends


def _least_padding(ends: list[_End], full: float) -> _End:
    """Among the ends that are full enough, the one that pads least; the last of equals."""
    least = ends[-1].size * full
    return min(reversed([end for end in ends if end.size >= least]), key=lambda end: end.ratio)
