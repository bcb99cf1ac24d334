"""Harmonic mean of precision and recall of a label, averaged over labels (van Rijsbergen 1979)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from seqspec.components.metric._compared import signature
from seqspec.components.metric._confusion import Confusion
from seqspec.schema.metric.f1 import F1Config

if TYPE_CHECKING:
    from seqspec.schema.types import Type


class F1:
    """As a fraction, over the labels that occur as hypothesis or as reference."""

    reads = "labels"
    better = "higher"

    def __init__(self, config: F1Config, takes: Mapping[str, Type], parts: Any = None) -> None:
        self._average = config.average
        self._confusion = Confusion()

    def update(self, hypothesis: str, reference: str) -> None:
        """Count one pair of labels."""
        self._confusion.add(hypothesis, reference)

    def compute(self) -> dict[str, float]:
        """``f1``, 0 without examples."""
        return {"f1": self._confusion.average(self._average, lambda scores: scores.f1)}

    def signature(self) -> str:
        """What decides the score."""
        return signature([("metric", "f1"), ("average", self._average)])
