"""Share of labels that are right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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

    def statistics(self, hypotheses: Sequence[str], references: Sequence[str]) -> list[tuple[int, int]]:
        """Whether each example is right, and one."""
        return [(one == reference, 1) for one, reference in zip(hypotheses, references, strict=True)]

    def score_of(self, sums: Sequence[float]) -> float:
        """``accuracy`` of summed statistics."""
        right, examples = sums
        return float(right) / max(float(examples), 1.0)

    def signature(self) -> str:
        """What decides the score."""
        return signature([("metric", "accuracy")])
