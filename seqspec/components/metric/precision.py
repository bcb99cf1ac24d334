"""Share of the predictions of a label that are right, averaged over labels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from seqspec.components.metric._compared import signature
from seqspec.components.metric._confusion import Confusion
from seqspec.schema.metric.precision import PrecisionConfig

if TYPE_CHECKING:
    from seqspec.schema.types import Type


class Precision:
    """As a fraction, over the labels that occur as hypothesis or as reference."""

    reads = "labels"
    better = "higher"

    def __init__(self, config: PrecisionConfig, takes: Mapping[str, Type], parts: Any = None) -> None:
        self._average = config.average
        self._confusion = Confusion()

    def update(self, hypothesis: str, reference: str) -> None:
        """Count one pair of labels."""
        self._confusion.add(hypothesis, reference)

    def compute(self) -> dict[str, float]:
        """``precision``, 0 without examples."""
        return {"precision": self._confusion.average(self._average, lambda scores: scores.precision)}

    def signature(self) -> str:
        """What decides the score."""
        return signature([("metric", "precision"), ("average", self._average)])
