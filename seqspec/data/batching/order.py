"""The order of training: batch *g* of the whole run is a pure function of layout, seed and *g*, found in
constant time.

Workers, ranks, validation, checkpoints and resuming have no part in it.  Epochs come in cycles of as many as
the layout has phases, each phase once in a cycle, so that the epoch of *g* is found by one division.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from seqspec.data.batching.layout import Layout
from seqspec.data.batching.permutation import permute, permute_one
from seqspec.data.seeds import mixed, seed_of


class Planned(NamedTuple):
    """One global batch."""

    epoch: int
    examples: np.ndarray
    """``[n]`` int64: indices into the split."""


@dataclass(frozen=True)
class Order:
    """The endless sequence of global batches of a run."""

    layout: Layout
    seed: int
    shuffle: bool = True
    """Without it, batches come in the layout's order and every epoch is the same."""

    def batch(self, number: int) -> Planned:
        """Global batch ``number``, from 0."""
        epoch, phase, place = self.locate(number)
        cut = self.layout.cuts[phase]
        if self.shuffle:
            place = permute_one(place, size=len(cut) - 1, key=seed_of(self.seed, "batches", epoch))
        positions = np.arange(cut[place], cut[place + 1])
        if self.shuffle:
            positions = self._shuffled(positions, epoch)
        if self.layout.draws is not None:
            positions = self.layout.draws.fill(positions, seed=self.seed, epoch=epoch)
        return Planned(epoch, np.asarray(self.layout.examples[positions], np.int64))

    def locate(self, number: int) -> tuple[int, int, int]:
        """Epoch, phase and place within the epoch of a global batch."""
        cycle, left = divmod(number, self._total)
        for turn in range(self.layout.phases):
            phase = self._phase(cycle, turn)
            if left < self._sizes[phase]:
                return cycle * self.layout.phases + turn, phase, left
            left -= self._sizes[phase]
        raise AssertionError("the sizes add up to the cycle")

    def start(self, epoch: int) -> int:
        """The first global batch of an epoch."""
        cycle, turn = divmod(epoch, self.layout.phases)
        before = sum(self._sizes[self._phase(cycle, earlier)] for earlier in range(turn))
        return cycle * self._total + before

    def batches(self, epoch: int) -> int:
        """How many batches an epoch has."""
        return self.start(epoch + 1) - self.start(epoch)

    @cached_property
    def _sizes(self) -> list[int]:
        return [len(cut) - 1 for cut in self.layout.cuts]

    @cached_property
    def _total(self) -> int:
        return sum(self._sizes)

    def _phase(self, cycle: int, turn: int) -> int:
        if not self.shuffle or self.layout.phases == 1:
            return turn
        return permute_one(turn, size=self.layout.phases, key=seed_of(self.seed, "phases", cycle))

    def _shuffled(self, positions: np.ndarray, epoch: int) -> np.ndarray:
        """Each position's partner within its cell."""
        cells = self.layout.cells
        cell = np.searchsorted(cells, positions, side="right") - 1
        starts = np.asarray(cells[cell])
        sizes = np.asarray(cells[cell + 1]) - starts
        keys = mixed(cell, seed=seed_of(self.seed, "cells", epoch))
        found: np.ndarray = starts + permute(positions - starts, sizes, keys)
        return found


def micro_batches(examples: np.ndarray, *, lengths: np.ndarray, number: int, count: int) -> np.ndarray:
    """Slice ``number`` of ``count`` of a global batch: neighbours in length stay together.

    Empty where the batch has fewer examples than micro-batches.
    """
    if count == 1:
        return examples
    total = len(examples)
    weight = np.cumsum(lengths[examples].sum(axis=1) + 1)
    steps = np.arange(1, count)
    bounds = np.searchsorted(weight, weight[-1] * steps / count)
    bounds = np.maximum.accumulate(np.maximum(bounds, steps) - steps) + steps
    bounds = np.minimum(bounds, np.maximum(total - count + steps, steps))
    edges = [0, *np.minimum(bounds, total).tolist(), total]
    return examples[edges[number] : edges[number + 1]]
