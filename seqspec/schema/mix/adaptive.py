"""Rates that follow how far each task has come: Lingvo's ``SimpleAdaptiveScheduler`` and
``InverseRatioAdaptiveScheduler`` (lingvo/core/task_scheduler.py), for any number of tasks.
"""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from seqspec.schema.config import Config
from seqspec.schema.mix._mix import named
from seqspec.schema.types import Nothing, Type
from seqspec.schema.units import PositiveFloat


class AdaptiveConfig(Config):
    """Draw a task more often the further the last evaluation found it from what is expected of it.

    Lingvo takes scores of which higher is better, and two tasks; here a metric of which lower is better
    counts as expected / metric, and there may be any number.  Until the first evaluation all are drawn alike.
    """

    adapts: ClassVar[bool] = True

    expected: dict[str, PositiveFloat]
    """What the first metric of each task is expected to reach on the first split; who has reached it is drawn
    least.
    """
    form: Literal["difference", "inverse_ratio"] = "difference"
    """With r, the part of what is expected that a task has reached, at most 1: ``difference`` draws it as
    often as 1 + ``epsilon`` − r to the power of ``alpha``, ``inverse_ratio`` as 1 / (r to the power of
    ``alpha`` + ``epsilon``).
    """
    alpha: PositiveFloat = 1.0
    """Power of the part that has been reached."""
    epsilon: PositiveFloat = 0.05
    """What keeps every task in the mix."""

    def output(self, tasks: Mapping[str, Type]) -> Nothing:
        """Refuses names that are no tasks."""
        return named(self.expected, tasks, at="expected")

    def at(self, step: Any, sizes: Mapping[str, int]) -> dict[str, Any]:
        """Before the first evaluation: all alike."""
        return dict.fromkeys(sizes, 1.0)

    def after(self, metrics: Mapping[str, float], *, lower: frozenset[str]) -> dict[str, float]:
        """The rates once an evaluation has found ``metrics``, by task; of the tasks in ``lower``, lower is
        better.  A task that was not evaluated has reached nothing.
        """
        return {task: self._rate(self._reached(task, metrics, lower)) for task in self.expected}

    def _reached(self, task: str, metrics: Mapping[str, float], lower: frozenset[str]) -> float:
        if task not in metrics:
            return 0.0
        expected, found = self.expected[task], metrics[task]
        if task in lower:
            return 1.0 if found <= expected else expected / found
        return min(1.0, max(0.0, found / expected))

    def _rate(self, reached: float) -> float:
        part: float = reached**self.alpha
        return 1 + self.epsilon - part if self.form == "difference" else 1 / (part + self.epsilon)
