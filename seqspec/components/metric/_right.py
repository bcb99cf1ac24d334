"""What metrics share that count the examples whose hypothesis equals its reference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from seqspec.schema.config import Config

if TYPE_CHECKING:
    from seqspec.schema.types import Type


class ShareRight:
    """The share of examples that are right, as a fraction under ``name``."""

    name: ClassVar[str]
    better = "higher"

    def __init__(self, config: Config, takes: Mapping[str, Type], parts: Any = None) -> None:
        self._right = self._examples = 0

    def update(self, hypothesis: str, reference: str) -> None:
        """Count one pair."""
        self._right += hypothesis == reference
        self._examples += 1

    def compute(self) -> dict[str, float]:
        """The share, 0 without examples."""
        return {self.name: self._right / max(self._examples, 1)}

    def statistics(self, hypotheses: Sequence[str], references: Sequence[str]) -> list[tuple[int, int]]:
        """Whether each example is right, and one."""
        return [(one == reference, 1) for one, reference in zip(hypotheses, references, strict=True)]

    def score_of(self, sums: Sequence[float]) -> float:
        """The share of summed statistics."""
        right, examples = sums
        return float(right) / max(float(examples), 1.0)
