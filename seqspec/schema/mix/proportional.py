"""Rates by the number of examples, up to a limit."""

from collections.abc import Mapping
from typing import Any

from seqspec.schema.config import Config
from seqspec.schema.types import Nothing, Type
from seqspec.schema.units import Positive


class ProportionalConfig(Config):
    """Draw each task as often as it has training examples, at most ``limit`` of them: Raffel et al. (2020),
    "Exploring the Limits of Transfer Learning with a Unified Text-to-Text Transformer", section 3.5.2.
    """

    limit: Positive | None = None
    """Examples from which on a task counts as no larger; left out, there is no limit."""

    def output(self, tasks: Mapping[str, Type]) -> Nothing:
        """Fits any tasks."""
        return Nothing()

    def at(self, step: Any, sizes: Mapping[str, int]) -> dict[str, Any]:
        """One number a task."""
        return {task: float(min(size, self.limit or size)) for task, size in sizes.items()}
