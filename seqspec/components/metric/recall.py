"""Share of the examples of a label that are found, averaged over labels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from seqspec.components.metric._compared import signature
from seqspec.components.metric._confusion import Confusion
from seqspec.schema.metric.recall import RecallConfig

if TYPE_CHECKING:
    from seqspec.schema.types import Type


class Recall:
    """As a fraction, over the labels that occur as hypothesis or as reference."""

    reads = "labels"
    better = "higher"

    def __init__(self, config: RecallConfig, takes: Mapping[str, Type], parts: Any = None) -> None:
        self._average = config.average
        self._confusion = Confusion()

    def update(self, hypothesis: str, reference: str) -> None:
        """Count one pair of labels."""
        self._confusion.add(hypothesis, reference)

    def compute(self) -> dict[str, float]:
        """``recall``, 0 without examples."""
        return {"recall": self._confusion.average(self._average, lambda scores: scores.recall)}

    def signature(self) -> str:
        """What decides the score."""
        return signature([("metric", "recall"), ("average", self._average)])
