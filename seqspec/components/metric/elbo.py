"""Evidence lower bound."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from seqspec.components.metric._compared import signature
from seqspec.components.metric._dimensions import bits_divisor
from seqspec.schema.metric.elbo import ElboConfig
from seqspec.schema.types import Type


class Elbo:
    """The mean over examples, in nats."""

    reads = "model"
    better = "higher"

    def __init__(self, config: ElboConfig, takes: Mapping[str, Type], parts: Any = None) -> None:
        self._bits = bits_divisor(takes)
        self._nll: list[float] = []
        self._kl: list[float] = []

    def examine(self, model: Any, batch: Any) -> Sequence[tuple[float, float]]:
        """Nats of the reconstruction and of the divergence of each example."""
        nll_B, kl_BZ = model.evidence(batch)
        return list(zip(nll_B.tolist(), kl_BZ.sum(1).tolist(), strict=True))

    def update(self, nll: float, kl: float) -> None:
        """Count one example."""
        self._nll.append(nll)
        self._kl.append(kl)

    def compute(self) -> dict[str, float]:
        """``elbo`` in nats and its parts; bits per dimension where pixels have values."""
        count = max(len(self._nll), 1)
        nll, kl = math.fsum(self._nll) / count, math.fsum(self._kl) / count
        bits = {"elbo_bits_per_dim": (nll + kl) / self._bits} if self._bits else {}
        return {"elbo": -nll - kl, "reconstruction": nll, "kl": kl, **bits}

    def signature(self) -> str:
        """What decides the score."""
        return signature([("metric", "elbo"), ("unit", "nats"), ("samples", "1")])
