"""Latent features that say something."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from seqspec.components.metric._compared import signature
from seqspec.schema.metric.active_units import ActiveUnitsConfig
from seqspec.schema.types import Type


class ActiveUnits:
    """Features whose posterior mean has a variance of ``least_variance`` over the split."""

    reads = "model"
    better = "higher"

    def __init__(self, config: ActiveUnitsConfig, takes: Mapping[str, Type], parts: Any = None) -> None:
        self.least = config.least_variance
        self._means: list[Any] = []

    def examine(self, model: Any, batch: Any) -> Sequence[tuple[Any]]:
        """The mean of each example's posterior."""
        return [(mean_Z,) for mean_Z in model.latents(batch).float().cpu().numpy()]

    def update(self, mean_Z: Any) -> None:
        """Count one example."""
        self._means.append(mean_Z)

    def compute(self) -> dict[str, float]:
        """``active_units``, and the share that they are of all."""
        if not self._means:
            return {"active_units": 0.0, "active_share": 0.0}
        active_Z = np.var(np.stack(self._means).astype(np.float64), axis=0) >= self.least
        return {"active_units": float(active_Z.sum()), "active_share": float(active_Z.mean())}

    def signature(self) -> str:
        """What decides the score."""
        return signature([("metric", "active_units"), ("variance", f"{self.least:g}")])
