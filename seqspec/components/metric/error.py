"""Share of labels that are wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from seqspec.components.metric._compared import signature
from seqspec.schema.metric.error import ErrorConfig

if TYPE_CHECKING:
    from seqspec.schema.types import Type


class Error:
    """Labels compared by name, as a fraction."""

    reads = "labels"
    better = "lower"

    def __init__(self, config: ErrorConfig, takes: Mapping[str, Type], parts: Any = None) -> None:
        self._right = self._examples = 0

    def update(self, hypothesis: str, reference: str) -> None:
        """Count one pair of labels."""
        self._right += hypothesis == reference
        self._examples += 1

    def compute(self) -> dict[str, float]:
        """``error``, 0 without examples."""
        return {"error": 1 - self._right / self._examples if self._examples else 0.0}

    def statistics(self, hypotheses: Sequence[str], references: Sequence[str]) -> list[tuple[int, int]]:
        """Whether each example is right, and one."""
        return [(one == reference, 1) for one, reference in zip(hypotheses, references, strict=True)]

    def score_of(self, sums: Sequence[float]) -> float:
        """``error`` of summed statistics."""
        right, examples = sums
        return 1 - float(right) / float(examples) if examples else 0.0

    def signature(self) -> str:
        """What decides the score."""
        return signature([("metric", "error")])
