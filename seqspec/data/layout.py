"""The layout of a split: examples in an order that pads little, cells within which they may be shuffled, and
the batches' bounds.

``auto`` sorts by target length and, within one target length, by source length, upwards and downwards in
turn, so that neighbours are alike in both.  Lengths are compared in steps of two per cent: a cell is what is
equal then, and each epoch shuffles every cell anew.  Bounds are cut by the longest example of each cell, so
they hold whatever the shuffle.  The layout depends on lengths and on ``data.batch`` alone, never on the seed
or the epoch, and is made once.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from seqspec.data.lengths import bucket_lengths

if TYPE_CHECKING:
    from seqspec.schema.data import Batch

STEP = 0.02
"""Relative width of a length cell."""

PHASES = 8
"""Ways in which the bounds of batches are set off against the cells, so that neighbours change from epoch to
epoch.
"""


@dataclass(frozen=True)
class Layout:
    """Positions ``0 … N - 1``; all arrays are small or memory-mapped."""

    examples: np.ndarray
    """``[N]`` int32: the example that stands at each position."""
    cells: np.ndarray
    """``[C + 1]`` int64: where cells start."""
    cuts: tuple[np.ndarray, ...]
    """For each phase ``[B + 1]`` int64: where batches start."""

    @property
    def phases(self) -> int:
        """Number of ways of cutting."""
        return len(self.cuts)


def make_layout(lengths: np.ndarray, config: Batch, *, frames_per_second: float | None = None) -> Layout:
    """The layout of a split with ``[N, 2]`` lengths."""
    lengths = np.asarray(lengths)
    if isinstance(config.buckets, list):
        return _bucketed(lengths, config, frames_per_second)
    if config.buckets == "none" or not config.shuffle:
        return _unsorted(lengths, config, frames_per_second)
    examples, cells = snake(lengths)
    longest = np.repeat(_most(costs(lengths, config, frames_per_second)[examples], cells), np.diff(cells))
    whole = cut_by_cost(longest, size=config.size, most=config.max_examples)
    phases = PHASES if len(cells) > len(whole) // 2 and len(whole) > 2 else 1
    shares = [(phase + 1) / phases for phase in range(phases)]
    cuts = (cut_by_cost(longest, size=config.size, most=config.max_examples, first=share) for share in shares)
    return Layout(examples, cells, tuple(cuts))


def sorted_layout(lengths: np.ndarray, config: Batch, *, frames_per_second: float | None = None) -> Layout:
    """The layout of an evaluation: sorted by length, cut by true lengths, in one way."""
    examples, _ = snake(np.asarray(lengths), step=0.0)
    cost = costs(np.asarray(lengths), config, frames_per_second)[examples]
    cut = cut_by_cost(cost, size=config.size, most=config.max_examples)
    return Layout(examples, np.arange(len(examples) + 1, dtype=np.int64), (cut,))


def costs(lengths: np.ndarray, config: Batch, frames_per_second: float | None) -> np.ndarray:
    """What one example counts for, in the unit of ``config.size``, before padding."""
    match config.unit:
        case "examples":
            return np.ones(len(lengths), np.float64)
        case "tokens":
            return np.maximum(lengths.max(axis=1), 1).astype(np.float64)
        case "frames":
            return np.maximum(lengths[:, 0], 1).astype(np.float64)
        case "seconds":
            assert frames_per_second, "a check refuses seconds without audio"
            return np.maximum(lengths[:, 0], 1) / frames_per_second


def snake(lengths: np.ndarray, *, step: float = STEP) -> tuple[np.ndarray, np.ndarray]:
    """Examples sorted by target cell and then by source cell, in turn upwards and downwards; and the
    starts of the cells.
    """
    source, target = quantized(lengths[:, 0], step), quantized(lengths[:, 1], step)
    rank = np.unique(target, return_inverse=True)[1]
    turned = np.where(rank % 2 == 0, source, -source)
    examples = np.lexsort((turned, rank)).astype(np.int32)
    changed = np.flatnonzero(np.diff(rank[examples]) | np.diff(turned[examples])) + 1
    return examples, np.concatenate([[0], changed, [len(examples)]]).astype(np.int64)


def quantized(lengths: np.ndarray, step: float) -> np.ndarray:
    """Lengths in relative steps: exact below ``1 / step``, then one number for each ``step`` of growth."""
    lengths = lengths.astype(np.int64)
    if step == 0.0:
        return lengths
    exact = int(1 / step)
    table = np.arange(int(lengths.max(initial=0)) + 1)
    grown = exact + np.floor(np.log(np.maximum(table, exact) / exact) / np.log1p(step)).astype(np.int64)
    return np.where(table <= exact, table, grown)[lengths]


def cut_by_cost(cost: np.ndarray, *, size: float, most: int | None, first: float = 1.0) -> np.ndarray:
    """Greedy bounds: each batch takes the next examples while count × longest fits ``size``; at least one, at
    most ``most``.

    ``first`` is the share of the size that the first batch may take.
    """
    starts = [0]
    position, total = 0, len(cost)
    allowed = size * first
    cap = most or total
    while position < total:
        position += _fitting(cost, position, allowed, max(1, min(cap, int(np.ceil(cap * first)))))
        starts.append(position)
        allowed, first = size, 1.0
    return np.array(starts, np.int64)


def _fitting(cost: np.ndarray, start: int, allowed: float, most: int) -> int:
    """How many examples from ``start`` on make one batch."""
    window = min(int(allowed / cost[start]) + 1, most, len(cost) - start)
    held = np.maximum.accumulate(cost[start : start + window])
    fits = int(np.searchsorted(held * np.arange(1, len(held) + 1), allowed * (1 + 1e-12), side="right"))
    return max(1, fits)


def _most(values: np.ndarray, cells: np.ndarray) -> np.ndarray:
    """The largest value in each cell."""
    return np.maximum.reduceat(values, cells[:-1]) if len(values) else values


def _unsorted(lengths: np.ndarray, config: Batch, frames_per_second: float | None) -> Layout:
    """Corpus order; shuffled as one cell, every example then counts as the longest, since any may meet it."""
    cost = costs(lengths, config, frames_per_second)
    total = len(lengths)
    cells = np.array([0, total], np.int64) if config.shuffle else np.arange(total + 1, dtype=np.int64)
    if config.shuffle and total:
        cost = np.full(total, cost.max())
    cut = cut_by_cost(cost, size=config.size, most=config.max_examples)
    return Layout(np.arange(total, dtype=np.int32), cells, (cut,))


def _bucketed(lengths: np.ndarray, config: Batch, frames_per_second: float | None) -> Layout:
    """Buckets with upper bounds: a bucket is one cell, and no batch mixes two.  Longer examples than the
    last bound were dropped.
    """
    assert isinstance(config.buckets, list)
    bounds = np.array(config.buckets)
    bucket = np.minimum(np.searchsorted(bounds, bucket_lengths(lengths), side="left"), len(bounds) - 1)
    examples = np.argsort(bucket, kind="stable").astype(np.int32)
    edges = np.searchsorted(bucket[examples], np.arange(len(bounds) + 1), side="left")
    cut = [np.array([0])]
    for number, (start, end) in enumerate(pairwise(edges.tolist())):
        held = _bucket_size(config, number, lengths[examples[start:end]], frames_per_second)
        cut.append(
            np.append(np.arange(start + held, end, held), end) if end > start else np.array([], np.int64)
        )
    cells = np.unique(np.append(edges, len(examples)))
    return Layout(examples, cells.astype(np.int64), (np.concatenate(cut).astype(np.int64),))


def _bucket_size(config: Batch, number: int, lengths: np.ndarray, frames_per_second: float | None) -> int:
    """Examples in a batch of one bucket: as the spec says, or as many as fit when all are as long as the
    longest.
    """
    if config.sizes is not None:
        return config.sizes[number]
    longest = float(costs(lengths, config, frames_per_second).max(initial=0.0))
    held = max(1, int(config.size / max(longest, 1e-9)))
    return min(held, config.max_examples or held)
