"""Rows of a packed text in lanes: each lane is a stretch of the text, and batch *g* holds row *g* of every
lane.

So a row follows the row before it of the same lane in the batch before, and what a model has kept of that one
is its past (Dai et al. 2019, arXiv:1901.02860, section 3.2).
"""

# N rows, L lanes

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from seqspec.data.batching.batch import InLanes
from seqspec.data.batching.layout import Layout


@dataclass(frozen=True)
class Lanes:
    """``rows`` in their order, cut into ``count`` stretches; the first are one longer where they must be."""

    rows: int
    count: int

    @property
    def places(self) -> int:
        """Rows of the longest lane."""
        return -(-self.rows // self.count)

    def of(self, rows: np.ndarray) -> InLanes:
        """Where the rows of one batch stand, which are of one place."""
        lanes = np.searchsorted(self._starts, rows, side="right") - 1
        places = rows - self._starts[lanes]
        assert (places == places[0]).all(), "a batch holds the same place of every lane"
        return InLanes(tuple(lanes.tolist()), bool(places[0] == 0))

    def at(self, place: int, lanes: np.ndarray) -> np.ndarray:
        """The rows of some lanes at a place; of those that are so long."""
        found: np.ndarray = (self._starts[lanes] + place)[place < self._sizes[lanes]]
        return found

    def layout(self) -> Layout:
        """Of training, whose lanes are of one length: a batch is one row of each lane."""
        assert self.rows % self.count == 0, "every batch has a row of every lane"
        examples = np.arange(self.rows, dtype=np.int32).reshape(self.count, -1).T.ravel()
        cuts = np.arange(0, self.rows + 1, self.count, dtype=np.int64)
        return Layout(examples, np.arange(self.rows + 1, dtype=np.int64), (cuts,))

    def evaluation(self, *, parts: int) -> Layout:
        """Of an evaluation: batch *g* · ``parts`` + *p* is place *g* of the lanes of part *p*, so that
        processes which share batches in turn each go through lanes of their own.
        """
        groups = np.array_split(np.arange(self.count), min(parts, self.count))
        batches = [self.at(place, lanes) for place in range(self.places) for lanes in groups]
        batches = [rows for rows in batches if len(rows)]  # the shorter lanes are the last
        cuts = np.cumsum([0, *map(len, batches)]).astype(np.int64)
        examples = np.concatenate(batches).astype(np.int32)
        return Layout(examples, np.arange(self.rows + 1, dtype=np.int64), (cuts,))

    @property
    def _sizes(self) -> np.ndarray:
        short, longer = divmod(self.rows, self.count)
        return short + (np.arange(self.count) < longer)

    @property
    def _starts(self) -> np.ndarray:
        sizes = self._sizes
        found: np.ndarray = np.cumsum(sizes) - sizes
        return found
