"""The layout of a split: examples in an order that pads little, and the bounds of the batches.

``auto`` sorts by the length of one side and, within it, by the other, upwards and downwards in turn, so that
neighbours are alike in both.  Each epoch shuffles every length cell anew; bounds are cut by the longest of
each cell, so they hold whatever the shuffle.  Which side comes first, and how coarsely, is what pads least.
The layout depends on lengths and on ``data.batch`` alone, never on the seed or the epoch, and is made once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from seqspec.data.batching.cutting import cut_by_cost, cut_cells, waste
from seqspec.data.batching.length_cells import STEP, Cells, examples_by_cell, find_cells, snake
from seqspec.data.batching.mixing import Draws, Mixture, slots_for
from seqspec.data.stages.lengths import bucket_lengths

if TYPE_CHECKING:
    from seqspec.schema.sections.data import Batch

COARSE = (STEP, 0.04, 0.08, 0.15, 0.25, 0.4)
"""Relative widths of the groups of the side that is sorted first; the one that pads least is taken."""

MOST_WASTE = 0.03
"""The share of padding above which batches are ended early, where lengths change."""

FULL = (1.0, 0.9, 0.8, 0.7, 0.6)
"""Shares of what a batch could hold that it is filled to at least; the first that pads little enough is
taken.
"""

PHASES = 8
"""Ways in which bounds are set off against the cells, so that neighbours change from epoch to epoch."""


@dataclass(frozen=True)
class Layout:
    """Positions ``0 … N - 1``, and how they are cut."""

    examples: np.ndarray
    """``[N]`` int32: the example that stands at each position."""
    cells: np.ndarray
    """``[C + 1]`` int64: where cells start."""
    cuts: tuple[np.ndarray, ...]
    """For each phase ``[B + 1]`` int64: where batches start."""
    draws: Draws | None = None
    """Who fills each position, where a mixture draws some examples more often than others."""

    @property
    def phases(self) -> int:
        """Number of ways of cutting."""
        return len(self.cuts)


def make_layout(
    lengths: np.ndarray,
    config: Batch,
    *,
    frames_per_second: float | None = None,
    mixture: Mixture | None = None,
    out: np.ndarray | None = None,
) -> Layout:
    """The layout of a split with ``[N, 2]`` lengths, the ``sides`` of its examples.

    ``out``, ``[N]`` int32, is where the examples of a large split may be put, such as a mapped file.
    """
    if mixture is not None:
        return mixed_layout(lengths, config, mixture, frames_per_second)
    if isinstance(config.buckets, list):
        return _bucketed(lengths, config, frames_per_second)
    if config.buckets == "none" or not config.shuffle:
        return _unsorted(lengths, config, frames_per_second)
    cost = partial(costs, config=config, frames_per_second=frames_per_second)
    cells, cell_of = find_cells(lengths, cost)
    order, cuts = _least_waste(cells, config)
    starts = cells.ordered(order).starts
    out = np.empty(len(lengths), np.int32) if out is None else out
    examples = examples_by_cell(lengths, cell_of=cell_of, order=order, starts=starts, out=out)
    return Layout(examples, starts, cuts)


def mixed_layout(
    lengths: np.ndarray, config: Batch, mixture: Mixture, frames_per_second: float | None
) -> Layout:
    """The layout of a mixture, by length whatever ``buckets`` says: of all corpora or one after another."""
    everything = np.arange(len(lengths))
    if not mixture.homogeneous:
        return _drawn(everything, lengths, config, mixture, frames_per_second)
    corpora = [np.flatnonzero(mixture.corpus == number) for number in np.unique(mixture.corpus)]
    return _joined([_drawn(chosen, lengths, config, mixture, frames_per_second) for chosen in corpora])


def _drawn(
    chosen: np.ndarray, lengths: np.ndarray, config: Batch, mixture: Mixture, frames_per_second: float | None
) -> Layout:
    """The layout of the slots that some examples are drawn into."""
    cost = partial(costs, config=config, frames_per_second=frames_per_second)
    cells, cell_of = find_cells(lengths[chosen], cost)
    corpora = len(mixture.factors)
    group = cell_of(lengths[chosen]).astype(np.int64) * corpora + mixture.corpus[chosen]
    present, sizes = np.unique(group, return_counts=True)
    slots = sizes.copy()
    for corpus in range(corpora):
        own = present % corpora == corpus
        slots[own] = slots_for(sizes[own], float(mixture.factors[corpus]))
    counts = np.bincount(present // corpora, weights=slots, minlength=len(cells.counts)).astype(np.int64)
    drawn = replace(cells, counts=counts, totals=cells.totals / cells.counts * counts)
    order, cuts = _least_waste(drawn, config)
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    placed = np.argsort(rank[present // corpora] * corpora + present % corpora, kind="stable")
    by_group = np.argsort(rank[group // corpora] * corpora + group % corpora, kind="stable")
    starts = [np.concatenate([[0], np.cumsum(held[placed])]).astype(np.int64) for held in (slots, sizes)]
    return Layout(chosen[by_group].astype(np.int32), drawn.ordered(order).starts, cuts, Draws(*starts))


def _joined(layouts: list[Layout]) -> Layout:
    """Layouts one after another; every phase cuts each of them, in one of its own ways."""
    sizes = [int(layout.cells[-1]) for layout in layouts]
    before = np.concatenate([[0], np.cumsum(sizes)])[:-1].tolist()
    members = np.concatenate([[0], np.cumsum([len(layout.examples) for layout in layouts])])[:-1].tolist()
    phases = max(layout.phases for layout in layouts)

    def chained(held: list[np.ndarray], shifts: list[int]) -> np.ndarray:
        parts = [one[:-1] + shift for one, shift in zip(held, shifts, strict=True)]
        return np.concatenate([*parts, [held[-1][-1] + shifts[-1]]]).astype(np.int64)

    cuts = (chained([one.cuts[phase % one.phases] for one in layouts], before) for phase in range(phases))
    draws = [layout.draws for layout in layouts if layout.draws is not None]
    return Layout(
        np.concatenate([layout.examples for layout in layouts]),
        chained([layout.cells for layout in layouts], before),
        tuple(cuts),
        Draws(chained([d.slots for d in draws], before), chained([d.members for d in draws], members)),
    )


def sorted_layout(lengths: np.ndarray, config: Batch, *, frames_per_second: float | None = None) -> Layout:
    """The layout of an evaluation: sorted by length, the longer side first, and cut by true lengths."""
    by = int(lengths.max(axis=0, initial=0).argmax())
    examples = np.lexsort((lengths[:, 1 - by], lengths[:, by])).astype(np.int32)
    cost = costs(lengths[examples], config=config, frames_per_second=frames_per_second)
    cut = cut_by_cost(cost, size=config.size, most=config.max_examples)
    return Layout(examples, np.arange(len(examples) + 1, dtype=np.int64), (cut,))


def costs(lengths: np.ndarray, *, config: Batch, frames_per_second: float | None) -> np.ndarray:
    """What one example counts for, in the unit of ``config.size``, before padding."""
    longer: np.ndarray = np.maximum(lengths[:, 0], 1).astype(np.float64)
    match config.unit:
        case "examples":
            longer = np.ones(len(lengths), np.float64)
        case "tokens" if config.field is None:
            longer = np.maximum(longer, lengths[:, 1])
        case "seconds":
            assert frames_per_second, "a check refuses seconds without audio"
            longer = longer / frames_per_second
    return longer


def _least_waste(cells: Cells, config: Batch) -> tuple[np.ndarray, tuple[np.ndarray, ...]]:
    """The order of cells that pads least, and batches as full as they can be at ``MOST_WASTE``."""
    cut = partial(cut_cells, size=config.size, most=config.max_examples)
    orders = [snake(cells, by=by, coarse=coarse) for by, coarse in _ways(cells)]
    order = min(orders, key=lambda order: waste(cells.ordered(order), cut(cells.ordered(order))))
    placed = cells.ordered(order)
    for full in FULL:
        whole = cut(placed, full=full)
        if waste(placed, whole) <= MOST_WASTE:
            break
    phases = PHASES if len(cells.counts) > len(whole) // 2 and len(whole) > 2 else 1
    shares = [(phase + 1) / phases for phase in range(phases - 1)]
    return order, (*(cut(placed, full=full, first=share) for share in shares), whole)


def _ways(cells: Cells) -> Iterator[tuple[int, float]]:
    """Sides to sort by first, and how coarsely."""
    sides = [side for side in (1, 0) if len(np.unique(cells.keys[:, side])) > 1] or [1]
    for by in sides:
        yield from ((by, coarse) for coarse in (COARSE if len(sides) > 1 else COARSE[:1]))


def _unsorted(lengths: np.ndarray, config: Batch, frames_per_second: float | None) -> Layout:
    """Corpus order; shuffled as one cell, every example then counts as the longest, since any may meet it."""
    cost = costs(lengths, config=config, frames_per_second=frames_per_second)
    total = len(lengths)
    cells = np.array([0, total], np.int64) if config.shuffle else np.arange(total + 1, dtype=np.int64)
    if config.shuffle:
        cost = np.full(total, cost.max(initial=1.0))
    cut = cut_by_cost(cost, size=config.size, most=config.max_examples)
    return Layout(np.arange(total, dtype=np.int32), cells, (cut,))


def _bucketed(lengths: np.ndarray, config: Batch, frames_per_second: float | None) -> Layout:
    """Buckets with upper bounds: a bucket is one cell, and no batch mixes two.

    Examples longer than the last bound were dropped with the filters; where a caller kept them, the last
    takes them.
    """
    assert isinstance(config.buckets, list)
    bounds = np.array(config.buckets)
    bucket = np.minimum(np.searchsorted(bounds, bucket_lengths(lengths), side="left"), len(bounds) - 1)
    examples = np.argsort(bucket.astype(np.uint16), kind="stable").astype(np.int32)
    edges = np.searchsorted(bucket[examples], np.arange(len(bounds) + 1), side="left")
    starts: list[int] = []
    for number, (start, end) in enumerate(pairwise(edges.tolist())):
        cost = costs(lengths[examples[start:end]], config=config, frames_per_second=frames_per_second)
        starts += range(start, end, _bucket_size(config, number, float(cost.max(initial=1e-9))))
    cut = np.array([*starts, len(examples)], np.int64)
    return Layout(examples, np.unique(edges).astype(np.int64), (cut,))


def _bucket_size(config: Batch, number: int, longest: float) -> int:
    """Examples in a batch of one bucket: as the spec says, or as many as fit when all are as long as the
    longest.
    """
    if config.sizes is not None:
        return config.sizes[number]
    held = max(1, int(config.size / longest))
    return min(held, config.max_examples or held)
