"""Counts steps of a loop, times windows of them and keeps their losses on the device until the end."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from statistics import median

from torch import Tensor

from accelerator.device import wait


@dataclass
class Meter:
    """``warm`` steps, then ``windows`` of ``steps`` each; whoever trains calls ``tick`` after each update."""

    device: str
    warm: int
    steps: int
    windows: int
    begun: float = field(default_factory=time.perf_counter)
    first: float | None = None
    """Seconds from the beginning to the end of the first step: what is compiled is compiled in it."""
    edges: list[float] = field(default_factory=list)
    """Times at which windows begin and end."""
    losses: list[Tensor] = field(default_factory=list)
    done: int = 0

    @property
    def total(self) -> int:
        """Steps in all."""
        return self.warm + self.steps * self.windows

    def tick(self) -> None:
        """One update has been made."""
        self.done += 1
        if self.done == 1:
            wait(self.device)
            self.first = time.perf_counter() - self.begun
        if self.done >= self.warm and (self.done - self.warm) % self.steps == 0:
            wait(self.device)
            self.edges.append(time.perf_counter())

    def rate(self, counts: list[float]) -> float:
        """Of what ``counts`` has a number for each step, so many a second: the median over windows."""
        found = []
        for number, (before, after) in enumerate(zip(self.edges, self.edges[1:], strict=False)):
            start = self.warm + number * self.steps
            found.append(sum(counts[start : start + self.steps]) / (after - before))
        return median(found)

    def curve(self) -> list[float]:
        """The loss of every step."""
        return [float(loss) for loss in self.losses]

    def seconds_to(self, step: int) -> float:
        """From the beginning to the end of a step, at the median speed after the first."""
        assert self.first is not None
        seconds = 1 / self.rate([1.0] * self.total)
        return self.first + (step - 1) * seconds
