"""Share of target tokens that are most probable."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from seqspec.components.metric._compared import signature
from seqspec.components.metric._sums import Sums
from seqspec.schema.metric.token_accuracy import TokenAccuracyConfig

if TYPE_CHECKING:
    from seqspec.schema.types import Type


class TokenAccuracy:
    """Teacher-forced: from the sums that scoring the references gives."""

    reads = "teacher_forced"
    needs = ("correct", "targets")
    better = "higher"

    def __init__(self, config: TokenAccuracyConfig, takes: Mapping[str, Type], parts: Any = None) -> None:
        self._sums = Sums(self.needs)

    def update(self, sums: Mapping[str, float]) -> None:
        """Add the sums of one batch; every name of ``needs`` must be among them."""
        self._sums.add(sums)

    def compute(self) -> dict[str, float]:
        """``token_accuracy``, 0 without examples."""
        if not self._sums["targets"]:
            return {"token_accuracy": 0.0}
        return {"token_accuracy": self._sums["correct"] / self._sums["targets"]}

    def signature(self) -> str:
        """What decides the score."""
        return signature([("metric", "token_accuracy"), ("reads", "teacher_forced")])
