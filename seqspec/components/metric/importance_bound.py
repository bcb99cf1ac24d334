"""Importance-weighted bound."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from seqspec.components.metric._compared import signature
from seqspec.components.metric._dimensions import bits_divisor
from seqspec.schema.metric.importance_bound import ImportanceBoundConfig
from seqspec.schema.types import Type


class ImportanceBound:
    """The mean over examples, in nats."""

    reads = "model"
    better = "higher"

    def __init__(self, config: ImportanceBoundConfig, takes: Mapping[str, Type], parts: Any = None) -> None:
        self.samples = config.samples
        self._divisor = bits_divisor(takes)
        self._bounds: list[float] = []

    def examine(self, model: Any, batch: Any) -> Sequence[tuple[float]]:
        """The bound of each example."""
        return [(bound,) for bound in model.bound(batch, samples=self.samples).tolist()]

    def update(self, bound: float) -> None:
        """Count one example."""
        self._bounds.append(bound)

    def compute(self) -> dict[str, float]:
        """``importance_bound`` in nats; bits per dimension where pixels have values."""
        mean = math.fsum(self._bounds) / max(len(self._bounds), 1)
        bits = {"importance_bits_per_dim": -mean / self._divisor} if self._divisor else {}
        return {"importance_bound": mean, **bits}

    def signature(self) -> str:
        """What decides the score."""
        return signature([("metric", "importance_bound"), ("unit", "nats"), ("samples", str(self.samples))])
