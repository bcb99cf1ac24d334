"""Share of labels that are right."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from seqspec.components.metric._compared import signature
from seqspec.schema.metric.accuracy import AccuracyConfig

if TYPE_CHECKING:
    from seqspec.schema.types import Type


class Accuracy:
    """Labels compared by name, as a fraction."""

    reads = "labels"
    better = "higher"

    def __init__(self, config: AccuracyConfig, takes: Mapping[str, Type], parts: Any = None) -> None:
        self._right = self._examples = 0

    def update(self, hypothesis: str, reference: str) -> None:
        """Count one pair of labels."""
        self._right += hypothesis == reference
        self._examples += 1

    def compute(self) -> dict[str, float]:
        """``accuracy``, 0 without examples."""
        return {"accuracy": self._right / max(self._examples, 1)}

    def signature(self) -> str:
        """What decides the score."""
        return signature([("metric", "accuracy")])
