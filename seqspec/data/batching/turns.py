"""Which task each global batch of a run serves: a pure function of mix, sizes, seed and the batch's number.

Every batch is drawn by a hash of its number.  The number of batches that a task has had before is counted
over a table of a byte a batch, made in pieces as it is asked for (a million batches take about 50 ms), so
that finding batch *g* costs the same wherever a run is resumed, and workers, ranks and restarts agree.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from seqspec.data.seeds import mixed, seed_of
from seqspec.schema.mix._mix import Adapting, Mix

PIECE = 65_536
"""Batches of one piece of the table."""


class Rounds(NamedTuple):
    """The same where every task has a batch in each round, in their order."""

    sizes: Mapping[str, int]
    """Training examples of each task."""

    def at(self, number: int) -> Turn:
        """The turn of global batch ``number``, from 0."""
        done, place = divmod(number, len(self.sizes))
        return Turn(tuple(self.sizes)[place], done)

    def counts(self, number: int) -> dict[str, int]:
        """How many of the first ``number`` batches each task has."""
        done, more = divmod(number, len(self.sizes))
        return {task: done + (place < more) for place, task in enumerate(self.sizes)}


@dataclass(frozen=True)
class Adapted:
    """A mix that follows evaluations, with what they have found so far."""

    mix: Adapting
    found: Mapping[int, Mapping[str, float]]
    """The first metric of each task, by the number of global batches before the evaluation."""
    lower: frozenset[str] = frozenset()
    """Tasks whose metric is better the lower it is."""

    def at(self, step: Any, sizes: Mapping[str, int]) -> dict[str, Any]:
        """The rates at batches: those of the last evaluation before each."""
        ends = sorted(self.found)
        known = [self.mix.at(0, sizes)]
        known += [self.mix.after(self.found[end], lower=self.lower) for end in ends]
        which = np.searchsorted(np.asarray(ends, np.int64), step, side="right")
        return {task: np.asarray([rates[task] for rates in known], np.float64)[which] for task in sizes}


class Turn(NamedTuple):
    """Whose turn a global batch is."""

    task: str
    number: int
    """Which batch of the task it is, from 0."""


@dataclass(frozen=True)
class Turns:
    """The endless sequence of turns."""

    mix: Mix
    sizes: Mapping[str, int]
    """Training examples of each task."""
    seed: int
    _pieces: list[np.ndarray] = field(default_factory=list, compare=False, repr=False)
    """Index of the task of each batch."""
    _before: list[np.ndarray] = field(default_factory=list, compare=False, repr=False)
    """``[tasks]`` batches of each task before each piece."""

    def at(self, number: int) -> Turn:
        """The turn of global batch ``number``, from 0."""
        piece, place = divmod(number, PIECE)
        tasks = self._piece(piece)
        task = int(tasks[place])
        earlier = int(self._before[piece][task]) + int(np.count_nonzero(tasks[:place] == task))
        return Turn(tuple(self.sizes)[task], earlier)

    def counts(self, number: int) -> dict[str, int]:
        """How many of the first ``number`` batches each task has."""
        piece, place = divmod(number, PIECE)
        here = np.bincount(self._piece(piece)[:place], minlength=len(self.sizes))
        return dict(zip(self.sizes, (self._before[piece] + here).tolist(), strict=True))

    def _piece(self, number: int) -> np.ndarray:
        while len(self._pieces) <= number:
            before = np.zeros(len(self.sizes), np.int64)
            if self._pieces:
                last = np.bincount(self._pieces[-1], minlength=len(self.sizes))
                before = self._before[-1] + last
            self._before.append(before)
            self._pieces.append(self._drawn(len(self._pieces)))
        return self._pieces[number]

    def _drawn(self, piece: int) -> np.ndarray:
        steps = np.arange(piece * PIECE, (piece + 1) * PIECE)
        given = self.mix.at(steps, self.sizes)
        rates = np.stack(
            [np.broadcast_to(np.asarray(given[task], np.float64), steps.shape) for task in self.sizes]
        )
        upto = np.cumsum(rates, axis=0)
        hashed = mixed(steps, seed=seed_of(self.seed, "mix")) >> np.uint64(11)
        drawn = hashed.astype(np.float64) / 2.0**53 * upto[-1]
        index = (drawn >= upto).sum(axis=0)
        last = len(rates) - 1 - (rates[::-1] > 0).argmax(axis=0)  # rounding may lead one beyond
        found: np.ndarray = np.minimum(index, last).astype(np.uint8 if len(rates) < 256 else np.int64)
        return found
