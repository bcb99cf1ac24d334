"""Rates that go from one set to another."""

import math
from collections.abc import Mapping
from typing import Any

from seqspec.schema.config import Config
from seqspec.schema.mix._mix import named, require_some
from seqspec.schema.types import Nothing, Type
from seqspec.schema.units import NonNegative, PositiveFloat


class ExponentialConfig(Config):
    """Go from the rates ``start`` to the rates ``end``: end + (start − end) · exp(−step / decay_steps),
    Lingvo's ``ExponentialScheduler`` with α = 1 / ``decay_steps``.
    """

    start: dict[str, NonNegative]
    """How often each task is drawn at the first batch, relative to the others."""
    end: dict[str, NonNegative]
    """How often each task is drawn in the end."""
    decay_steps: PositiveFloat
    """Batches after which 1 / e of the difference is left."""

    def output(self, tasks: Mapping[str, Type]) -> Nothing:
        """Refuses names that are no tasks."""
        require_some(self.start, at="start")
        require_some(self.end, at="end")
        named(self.start, tasks, at="start")
        return named(self.end, tasks, at="end")

    def at(self, step: Any, sizes: Mapping[str, int]) -> dict[str, Any]:
        """A curve a task."""
        left = math.e ** (-step / self.decay_steps)
        return {task: self.end[task] + (self.start[task] - self.end[task]) * left for task in sizes}
