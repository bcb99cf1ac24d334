"""Rules for tokens that are times, in a search: Radford et al. (2022), "Robust Speech Recognition via
Large-Scale Weak Supervision", arXiv:2212.04356, section 2.3, and the code beside it.

Times come in pairs, one where a segment begins and one where it ends, and never go back; an answer begins
with one, within the first second.  Where all times together are likelier than the likeliest other token, one
of them is written.
"""

# N hypotheses, V vocabulary

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import torch
from torch import Tensor

from seqspec.components.search._hypothesis import Step

STEP_SECONDS = 0.02
"""From one time to the next."""
MOST_FIRST = 50
"""The latest time that an answer may begin with, in steps: a second."""


class Segment(NamedTuple):
    """What is said between two times."""

    start: float
    """Seconds."""
    end: float | None
    """Seconds; ``None`` where the answer ended before its time was written."""
    ids: tuple[int, ...]


@dataclass(frozen=True)
class Times:
    """Which ids are times, and which are text."""

    steps: tuple[int, ...]
    """Of each id the number of its time, in steps; -1 where it is none."""
    text: tuple[bool, ...]
    """Whether each id is text, and neither a time nor a mark."""
    without: int | None
    """The id that says that no times follow, which is never written."""

    def over(self, step: Step) -> Step:
        """``step`` by these rules, for one search, whose first call is of the first id."""
        steps_V = torch.tensor(self.steps)
        text_V = torch.tensor(self.text)

        def timed(ids_N: Tensor, state: Any, *, look: bool = False) -> tuple[Tensor, Any]:
            if isinstance(state, TimedState):
                history = state.grown(steps_V.to(ids_N.device)[ids_N])
            else:
                history = TimedState.begun(state, ids_N)
            logits_NV, own = step(ids_N, history.own, look=look)
            allowed = self._allowed(logits_NV, history, steps_V.to(ids_N.device), text_V.to(ids_N.device))
            return allowed, replace(history, own=own)

        return timed

    def _allowed(self, logits_NV: Tensor, was: TimedState, steps_V: Tensor, text_V: Tensor) -> Tensor:
        is_time_V = steps_V >= 0
        if was.first:
            refused_NV = (~is_time_V | (steps_V > MOST_FIRST)).expand_as(logits_NV)
        else:
            # Behind a pair of times stands text, and behind the time where a segment ends no text.
            refused_NV = (was.last_N & was.before_N)[:, None] & is_time_V
            closing_N = was.last_N & ~was.before_N
            refused_NV = refused_NV | (closing_N[:, None] & text_V)
            # A segment may begin when the one before it ended; it does not end when it began.
            least_N = was.latest_N + (~closing_N & (was.latest_N >= 0)).long()
            refused_NV = refused_NV | (is_time_V & (steps_V < least_N[:, None]))
        if self.without is not None:
            refused_NV = refused_NV.index_fill(1, torch.tensor([self.without], device=steps_V.device), True)
        logits_NV = logits_NV.masked_fill(refused_NV, -torch.inf)
        log_probs_NV = logits_NV.float().log_softmax(-1)
        times_N = log_probs_NV.masked_fill(~is_time_V, -torch.inf).logsumexp(-1)
        likelier_N = times_N > log_probs_NV.masked_fill(is_time_V, -torch.inf).amax(-1)
        return logits_NV.masked_fill(likelier_N[:, None] & ~is_time_V, -torch.inf)

    def segments(self, ids: Sequence[int]) -> list[Segment]:
        """An answer cut at its times."""
        found: list[Segment] = []
        start, held = 0.0, []
        for id in ids:
            if self.steps[id] < 0:
                held.append(id)
                continue
            at = round(self.steps[id] * STEP_SECONDS, 2)
            found += [Segment(start, at, tuple(held))] if held else []
            start, held = at, []
        return [*found, Segment(start, None, tuple(held))] if held else found

    def text_of(self, ids: Sequence[int]) -> list[int]:
        """An answer without its times."""
        return [id for id in ids if self.steps[id] < 0]


@dataclass(frozen=True)
class TimedState:
    """The model's own state, and the times that each hypothesis has written."""

    own: Any
    last_N: Tensor
    """Whether the last id is a time."""
    before_N: Tensor
    """Whether the id before it is one, or there is none."""
    latest_N: Tensor
    """The latest time, in steps; -1 where there is none."""
    first: bool

    @classmethod
    def begun(cls, own: Any, ids_N: Tensor) -> TimedState:
        """Before the first id of an answer."""
        nowhere_N = torch.zeros_like(ids_N, dtype=torch.bool)
        return cls(own, nowhere_N, ~nowhere_N, torch.full_like(ids_N, -1), True)

    @property
    def attention(self) -> Tensor | None:
        """The model's own."""
        found: Tensor | None = self.own.attention
        return found

    def grown(self, steps_N: Tensor) -> TimedState:
        """One id later, whose time is ``steps_N``."""
        is_time_N = steps_N >= 0
        before_N = torch.ones_like(is_time_N) if self.first else self.last_N
        latest_N = torch.where(is_time_N, steps_N, self.latest_N)
        return TimedState(self.own, is_time_N, before_N, latest_N, False)

    def select(self, rows_N: Tensor) -> TimedState:
        """The hypotheses in ``rows_N``."""
        return TimedState(
            self.own.select(rows_N),
            self.last_N[rows_N],
            self.before_N[rows_N],
            self.latest_N[rows_N],
            self.first,
        )

    def keep(self, examples_B: Tensor) -> TimedState:
        """Forget what belongs to other examples."""
        return replace(self, own=self.own.keep(examples_B))
