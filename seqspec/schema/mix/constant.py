"""The same rates throughout."""

from collections.abc import Mapping
from typing import Any

from seqspec.schema.config import Config
from seqspec.schema.mix._mix import named, require_some
from seqspec.schema.types import Nothing, Type
from seqspec.schema.units import NonNegative


class ConstantConfig(Config):
    """Draw each task at the same rate throughout, as Lingvo's ``ConstantScheduler`` does."""

    rates: dict[str, NonNegative] | None = None
    """How often each task is drawn, relative to the others; left out, all alike."""

    def output(self, tasks: Mapping[str, Type]) -> Nothing:
        """Refuses names that are no tasks."""
        if self.rates is None:
            return Nothing()
        require_some(self.rates, at="rates")
        return named(self.rates, tasks, at="rates")

    def at(self, step: Any, sizes: Mapping[str, int]) -> dict[str, Any]:
        """One number a task."""
        return {task: 1.0 if self.rates is None else self.rates[task] for task in sizes}
