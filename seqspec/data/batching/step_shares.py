"""Whose the batches of steps are that take several of several tasks: a pure function of mix, sizes, seed and
the step's number.

A step has a batch of each task, and the rest by the rates, each task the whole number below or above its
share: systematic sampling, one number between 0 and 1 a step that is a hash of it.  As in ``turns.py``, how
many batches a task has had before is counted over a table, so that any batch is found at once.
"""

# S steps of a piece, T tasks

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from seqspec.data.batching.turns import PIECE, Turn
from seqspec.data.seeds import mixed, seed_of
from seqspec.schema.mix._mix import Mix

DECIMALS = 9
"""To which shares are rounded, so that whole numbers stay whole."""


@dataclass(frozen=True)
class StepShares:
    """The endless sequence of turns, ``batches`` to a step, those of a task one after another."""

    mix: Mix
    sizes: Mapping[str, int]
    """Training examples of each task."""
    seed: int
    batches: int
    """Of each step; at least as many as tasks."""
    _pieces: list[np.ndarray] = field(default_factory=list, compare=False, repr=False)
    """``[S, T]`` batches of each task in each step."""
    _before: list[np.ndarray] = field(default_factory=list, compare=False, repr=False)
    """``[T]`` batches of each task before each piece."""

    def at(self, number: int) -> Turn:
        """The turn of global batch ``number``, from 0."""
        step, place = divmod(number, self.batches)
        had_T, ends_T = self._had(step), np.cumsum(self._of(step))
        task = int(np.searchsorted(ends_T, place, side="right"))
        start = int(ends_T[task - 1]) if task else 0
        return Turn(tuple(self.sizes)[task], int(had_T[task]) + place - start)

    def counts(self, number: int) -> dict[str, int]:
        """How many of the first ``number`` batches each task has."""
        step, place = divmod(number, self.batches)
        own_T = self._of(step)
        here_T = np.clip(place - (np.cumsum(own_T) - own_T), 0, own_T)
        return dict(zip(self.sizes, (self._had(step) + here_T).tolist(), strict=True))

    def _of(self, step: int) -> np.ndarray:
        piece, row = divmod(step, PIECE)
        found: np.ndarray = self._piece(piece)[row].astype(np.int64)
        return found

    def _had(self, step: int) -> np.ndarray:
        """Batches of each task before a step."""
        piece, row = divmod(step, PIECE)
        held = self._piece(piece)[:row]
        found: np.ndarray = self._before[piece] + held.sum(axis=0, dtype=np.int64)
        return found

    def _piece(self, number: int) -> np.ndarray:
        while len(self._pieces) <= number:
            before = np.zeros(len(self.sizes), np.int64)
            if self._pieces:
                before = self._before[-1] + self._pieces[-1].sum(axis=0, dtype=np.int64)
            self._before.append(before)
            self._pieces.append(self._drawn(len(self._pieces)))
        return self._pieces[number]

    def _drawn(self, piece: int) -> np.ndarray:
        steps = np.arange(piece * PIECE, (piece + 1) * PIECE)
        given = self.mix.at(steps * self.batches, self.sizes)
        rates_ST = np.stack(
            [np.broadcast_to(np.asarray(given[task], np.float64), steps.shape) for task in self.sizes], axis=1
        )
        hashed = mixed(steps, seed=seed_of(self.seed, "step shares")) >> np.uint64(11)
        found: np.ndarray = shared_out(rates_ST, self.batches, hashed.astype(np.float64) / 2.0**53)
        return found


def shared_out(rates_ST: np.ndarray, batches: int, drawn_S: np.ndarray) -> np.ndarray:
    """``[S, T]`` whole batches, at least one a task and ``batches`` in all; ``drawn_S`` from 0 to below 1.

    Points ``drawn``, ``drawn`` + 1, … are laid on the shares, end to end, of what is left when each task has
    one; a task gets as many as fall into its own.
    """
    left = batches - rates_ST.shape[1]
    shares_ST = rates_ST / rates_ST.sum(axis=1, keepdims=True) * batches
    beyond_ST = np.maximum(np.round(shares_ST - 1, DECIMALS), 0.0)
    total_S1 = beyond_ST.sum(axis=1, keepdims=True)
    more_ST = beyond_ST / np.where(total_S1 > 0, total_S1, 1.0) * left
    upto_ST = np.round(np.cumsum(more_ST, axis=1), DECIMALS)
    upto_ST[:, -1] = left  # the last share ends there, whatever rounding has made of it
    points_ST = np.clip(np.ceil(upto_ST - drawn_S[:, None]), 0, left)
    found: np.ndarray = (1 + np.diff(points_ST, axis=1, prepend=0)).astype(np.uint16)
    return found
