"""Variational bound of a diffusion model."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from seqspec.components.metric._compared import signature
from seqspec.schema.metric.diffusion_bound import DiffusionBoundConfig
from seqspec.schema.types import Denoising, Type


class DiffusionBound:
    """The mean over examples."""

    reads = "model"
    better = "lower"

    def __init__(self, config: DiffusionBoundConfig, takes: Mapping[str, Type], parts: Any = None) -> None:
        given = takes["given"]
        assert isinstance(given, Denoising)
        self.steps, self._divisor = config.steps, given.dimensions * math.log(2)
        self._nats: list[float] = []

    def examine(self, model: Any, batch: Any) -> Sequence[tuple[float]]:
        """Nats of each example."""
        return [(nats,) for nats in model.bound(batch, steps=self.steps).tolist()]

    def update(self, nats: float) -> None:
        """Count one example."""
        self._nats.append(nats)

    def compute(self) -> dict[str, float]:
        """``diffusion_bound`` in bits per dimension."""
        return {"diffusion_bound": math.fsum(self._nats) / max(len(self._nats), 1) / self._divisor}

    def signature(self) -> str:
        """What decides the score."""
        return signature([("metric", "diffusion_bound"), ("unit", "bits/dim"), ("steps", str(self.steps))])
