"""Exponential of the mean negative log-likelihood."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from seqspec.components.metric._compared import signature
from seqspec.components.metric._sums import Sums, exponential
from seqspec.schema.metric.perplexity import PerplexityConfig

if TYPE_CHECKING:
    from seqspec.schema.types import Type


class Perplexity:
    """Teacher-forced: from the sums that scoring the references gives."""

    reads = "teacher_forced"
    needs = ("nll", "targets")
    better = "lower"

    def __init__(self, config: PerplexityConfig, takes: Mapping[str, Type], parts: Any = None) -> None:
        self._sums = Sums(self.needs)

    def update(self, sums: Mapping[str, float]) -> None:
        """Add the sums of one batch; every name of ``needs`` must be among them."""
        self._sums.add(sums)

    def compute(self) -> dict[str, float]:
        """``perplexity``, 0 without examples."""
        if not self._sums["targets"]:
            return {"perplexity": 0.0}
        return {"perplexity": exponential(self._sums["nll"] / self._sums["targets"])}

    def signature(self) -> str:
        """What decides the score."""
        return signature([("metric", "perplexity"), ("reads", "teacher_forced")])
