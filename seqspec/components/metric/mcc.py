"""Correlation of predicted and true labels (Matthews 1975, Gorodkin 2004)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from seqspec.components.metric._compared import signature
from seqspec.components.metric._confusion import Confusion
from seqspec.schema.metric.mcc import MccConfig

if TYPE_CHECKING:
    from seqspec.schema.types import Type


class Mcc:
    """From -1 to 1; 0 is chance."""

    reads = "labels"
    better = "higher"

    def __init__(self, config: MccConfig, takes: Mapping[str, Type], parts: Any = None) -> None:
        self._confusion = Confusion()

    def update(self, hypothesis: str, reference: str) -> None:
        """Count one pair of labels."""
        self._confusion.add(hypothesis, reference)

    def compute(self) -> dict[str, float]:
        """``mcc``, 0 without examples."""
        return {"mcc": self._confusion.correlation()}

    def signature(self) -> str:
        """What decides the score."""
        return signature([("metric", "mcc")])
