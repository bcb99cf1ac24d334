"""Rates by the number of examples, evened out by a temperature."""

from collections.abc import Mapping
from typing import Any

from seqspec.schema.config import Config
from seqspec.schema.types import Nothing, Type
from seqspec.schema.units import Positive, PositiveFloat


class TemperatureConfig(Config):
    """Draw each task by its number of training examples to the power of 1 / ``temperature``: Devlin et al.
    (2018) for languages, Raffel et al. (2020), section 3.5.2, for tasks.  The limit comes before the power.
    """

    temperature: PositiveFloat
    """1 draws in proportion to the sizes; the higher it is, the more alike the rates are."""
    limit: Positive | None = None
    """Examples from which on a task counts as no larger; left out, there is no limit."""

    def output(self, tasks: Mapping[str, Type]) -> Nothing:
        """Fits any tasks."""
        return Nothing()

    def at(self, step: Any, sizes: Mapping[str, int]) -> dict[str, Any]:
        """One number a task."""
        return {task: min(size, self.limit or size) ** (1 / self.temperature) for task, size in sizes.items()}
