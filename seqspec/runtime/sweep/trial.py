"""A trial: one setting of the space and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from seqspec.schema.sections.sweep_space import Params

State = Literal["open", "complete", "failed", "pruned"]


@dataclass(frozen=True)
class Trial:
    """One setting of the space and what came of it."""

    number: int
    params: Params
    state: State = "open"
    """``pruned`` where a rung has ended it; no line of the log says so, as it follows from the others."""
    values: tuple[float, ...] = ()
    """The metric of each of its runs, one a seed."""
    runs: tuple[str, ...] = ()
    """Its run directories, seen from the study."""
    reason: str | None = None
    """Why it failed."""
    rungs: tuple[float, ...] = ()
    """The metric at each rung that it has reached, the mean over its seeds."""
    repeated: bool = False
    """It has been trained with more seeds."""
    repeats: tuple[float, ...] = ()
    """The metric of those runs."""

    @property
    def value(self) -> float | None:
        """The mean over its seeds."""
        return sum(self.values) / len(self.values) if self.values else None

    @property
    def mean(self) -> float | None:
        """The mean over all runs, the repeated ones too."""
        every = (*self.values, *self.repeats)
        return sum(every) / len(every) if self.values else None
