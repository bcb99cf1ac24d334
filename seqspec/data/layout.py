"""The layout of a split: examples in an order that pads little, cells within which they may be shuffled, and
the batches' bounds.

``auto`` sorts by target length and, within one target length, by source length, upwards and downwards in
turn, so that neighbours are alike in both.  Lengths are compared in steps of two per cent: a cell is what is
equal then, and each epoch shuffles every cell anew.  Bounds are cut by the longest example of each cell, so
they hold whatever the shuffle.  The layout depends on lengths and on ``data.batch`` alone, never on the seed
or the epoch, and is made once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from seqspec.data.lengths import bucket_lengths

if TYPE_CHECKING:
    from seqspec.schema.data import Batch

STEP = 0.02
"""Relative width of a length cell."""

COARSE = (0.0, 0.04, 0.08, 0.15, 0.25, 0.4)
"""Relative widths of the groups of the side that is sorted first, of which the one that pads least is taken.
"""

DENSE = 1_000_000
"""Examples above which only the finest order is tried."""

MOST_WASTE = 0.03
"""The share of padding above which batches are ended early, where lengths change."""

FULL = (1.0, 0.9, 0.8, 0.7, 0.6)
"""Shares of what a batch could hold that it is filled to at least; the first that pads little enough is taken."""

PHASES = 8
"""Ways in which the bounds of batches are set off against the cells, so that neighbours change from epoch to
epoch.
"""


Order = tuple[np.ndarray, np.ndarray]
"""Examples in order, and the starts of the cells."""


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
    order = min(
        (snake(lengths, by=by, coarse=coarse) for by, coarse in _ways(lengths)),
        key=lambda order: _waste(lengths[order[0]], _cut(order, lengths, config, frames_per_second)),
    )
    return _least_waste(order, lengths, config, frames_per_second)


def _ways(lengths: np.ndarray) -> Iterator[tuple[int, float]]:
    """Sides to sort by first, and how coarsely.  Where examples lie dense, the finest is best."""
    for by in (1, 0) if lengths.any(axis=0).all() else (int(lengths[:, 1].any()),):
        yield from ((by, coarse) for coarse in (COARSE if len(lengths) <= DENSE else COARSE[:1]))


def _least_waste(order: Order, lengths: np.ndarray, config: Batch, frames_per_second: float | None) -> Layout:
    """Batches as full as they can be while no more than ``MOST_WASTE`` of them is padding."""
    examples, cells = order
    for full in FULL if len(lengths) <= DENSE else FULL[:1]:
        whole = _cut(order, lengths, config, frames_per_second, full=full)
        if _waste(lengths[examples], whole) <= MOST_WASTE:
            break
    phases = PHASES if len(cells) > len(whole) // 2 and len(whole) > 2 else 1
    shares = [(phase + 1) / phases for phase in range(phases - 1)]
    cuts = [_cut(order, lengths, config, frames_per_second, full=full, first=share) for share in shares]
    return Layout(examples, cells, (*cuts, whole))


def _cut(
    order: Order,
    lengths: np.ndarray,
    config: Batch,
    frames_per_second: float | None,
    *,
    full: float = 1.0,
    first: float = 1.0,
) -> np.ndarray:
    examples, cells = order
    longest = np.repeat(_most(costs(lengths, config, frames_per_second)[examples], cells), np.diff(cells))
    ordered = lengths[examples] if full < 1.0 else None
    return cut_by_cost(
        longest, size=config.size, most=config.max_examples, first=first, full=full, lengths=ordered
    )


def _waste(ordered: np.ndarray, cut: np.ndarray) -> float:
    """The share of padding in one epoch, before the shuffle within cells."""
    cells = np.maximum.reduceat(ordered, cut[:-1]) * np.diff(cut)[:, None]
    return 1.0 - float(ordered.sum()) / max(float(cells.sum()), 1.0)


def sorted_layout(lengths: np.ndarray, config: Batch, *, frames_per_second: float | None = None) -> Layout:
    """The layout of an evaluation: sorted by length, cut by true lengths, in one way."""
    by = int(np.asarray(lengths).max(axis=0, initial=0).argmax())
    examples, _ = snake(np.asarray(lengths), by=by, step=0.0)
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


def snake(lengths: np.ndarray, *, by: int = 1, step: float = STEP, coarse: float = 0.0) -> Order:
    """Examples sorted by one side (``by``, 0 source, 1 target) and then by the other, in turn upwards and
    downwards.

    The first side is compared in steps of ``coarse``, or as finely as the other.  Gives the starts of the
    cells too.
    """
    first, second = quantized(lengths[:, by], step), quantized(lengths[:, 1 - by], step)
    group = np.unique(quantized(lengths[:, by], max(coarse, step)), return_inverse=True)[1]
    turned = np.where(group % 2 == 0, second, -second)
    examples = np.lexsort((first, turned, group)).astype(np.int32)
    changed = (
        np.flatnonzero(np.diff(first[examples]) | np.diff(turned[examples]) | np.diff(group[examples])) + 1
    )
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


def cut_by_cost(
    cost: np.ndarray,
    *,
    size: float,
    most: int | None,
    first: float = 1.0,
    full: float = 1.0,
    lengths: np.ndarray | None = None,
) -> np.ndarray:
    """Greedy bounds: each batch takes the next examples while count × longest fits ``size``; at least one.

    ``first`` is the share of the size that the first batch may take.  With ``lengths`` a batch ends where it
    pads least, but is filled to the share ``full`` of what it could hold.
    """
    starts = [0]
    position, total = 0, len(cost)
    allowed = size * first
    cap = most or total
    while position < total:
        count = _fitting(cost, position, allowed, max(1, min(cap, int(np.ceil(cap * first)))))
        if lengths is not None and position + count < total:
            count = _padding_least(lengths[position : position + count], full)
        position += count
        starts.append(position)
        allowed, first = size, 1.0
    return np.array(starts, np.int64)


def _padding_least(lengths: np.ndarray, full: float) -> int:
    """How many of these examples, at least the share ``full``, pad least when they make a batch."""
    counts = np.arange(1, len(lengths) + 1)
    held = np.maximum.accumulate(lengths, axis=0).sum(axis=1) * counts
    ratio = held / np.maximum(np.cumsum(lengths.sum(axis=1)), 1)
    least = max(1, int(len(lengths) * full))
    tail = ratio[least - 1 :][::-1]
    return len(lengths) - int(np.argmin(tail))


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
