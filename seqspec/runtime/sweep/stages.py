"""What is to be done next in a sweep: a pure function of its log.

Successive halving (Jamieson and Talwalkar 2016, arXiv:1502.07943) with synchronous rungs: all trials train to
the first, the best of them go on to the next as the very runs that they are.  After the last step the best
trials may be repeated with more seeds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

from seqspec.runtime.sweep.trial import Trial


class Due(NamedTuple):
    """A trial that somebody has to carry further."""

    trial: Trial
    until: int | None = None
    """The optimiser step to train to, or to the end."""
    repeated: bool = False
    """It is complete, and is to be trained with more seeds."""


@dataclass(frozen=True)
class Stages:
    """The way of a trial from its first step to its result."""

    direction: Literal["minimize", "maximize"]
    trials: int
    """Trials in all."""
    rungs: tuple[int, ...] = ()
    """Optimiser steps at which trials are compared, below the end."""
    keep: int = 3
    """One trial in so many goes on from a rung."""
    best: int = 0
    """Trials that are repeated with more seeds."""

    def due(self, trials: Sequence[Trial]) -> list[Due]:
        """What is to be done with the trials that there are; a rung waits until all have reached it."""
        alive = list(trials)
        everyone = len(trials) >= self.trials
        for rung, step in enumerate(self.rungs):
            waiting = [one for one in alive if one.state == "open" and len(one.rungs) == rung]
            if waiting or not everyone:
                return [Due(one, step) for one in waiting]
            alive = self._promoted(alive, rung)
        waiting = [one for one in alive if one.state == "open"]
        if waiting or not everyone:
            return [Due(one) for one in waiting]
        return [Due(one, repeated=True) for one in self.leading(alive) if not one.repeated]

    def told(self, trials: Sequence[Trial]) -> tuple[Trial, ...]:
        """The trials, those that a rung has ended marked as ``pruned``."""
        alive = {one.number for one in self._alive(trials)}
        ended = [one.state == "open" and one.number not in alive for one in trials]
        return tuple(
            replace(one, state="pruned") if pruned else one for one, pruned in zip(trials, ended, strict=True)
        )

    def leading(self, trials: Sequence[Trial]) -> list[Trial]:
        """The best complete trials by their own seeds, which are repeated."""
        complete = [one for one in trials if one.state == "complete"]
        return self._ranked(complete, lambda one: one.value)[: self.best]

    def steps(self, *, last: int) -> int:
        """Optimiser steps of all trials together, each run once, where the run has ``last`` steps."""
        before, total = 0, 0
        for rung, step in enumerate([*self.rungs, last]):
            total += self._survivors(rung) * (step - before)
            before = step
        return total

    def within(self, budget: int, *, last: int) -> Stages:
        """With as many trials as ``budget`` optimiser steps have room for, no more than now."""
        low, high = 0, self.trials
        while low < high:
            middle = (low + high + 1) // 2
            fits = replace(self, trials=middle).steps(last=last) <= budget
            low, high = (middle, high) if fits else (low, middle - 1)
        return replace(self, trials=low)

    def _alive(self, trials: Sequence[Trial]) -> list[Trial]:
        alive = list(trials)
        for rung in range(len(self.rungs)):
            waiting = any(one.state == "open" and len(one.rungs) == rung for one in alive)
            if waiting or len(trials) < self.trials:
                return alive
            alive = self._promoted(alive, rung)
        return alive

    def _promoted(self, alive: Sequence[Trial], rung: int) -> list[Trial]:
        reached = [one for one in alive if len(one.rungs) > rung]
        return self._ranked(reached, lambda one: one.rungs[rung])[: self._survivors(rung + 1)]

    def _survivors(self, rung: int) -> int:
        """How many trials train towards a rung."""
        return min(self.trials, max(1, self.trials // self.keep**rung))

    def _ranked(self, trials: Sequence[Trial], value: Callable[[Trial], float | None]) -> list[Trial]:
        """The best first, the earlier of two that are equal."""
        sign = 1 if self.direction == "minimize" else -1
        return sorted(trials, key=lambda one: (sign * (value(one) or 0.0), one.number))
