"""How well the vector of a source finds its target among all targets of the split."""

# N examples, D width

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from seqspec.components.metric._compared import signature
from seqspec.schema.metric.retrieval import RetrievalConfig

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from seqspec.components.predictions import VectorPrediction
    from seqspec.schema.types import Type

BLOCK = 1024
"""Sources whose similarities to all targets are held at once."""
CUT = 10
"""Rank after which NDCG counts nothing."""


class Retrieval:
    """Ranks by the dot product of unit vectors, which is their cosine."""

    reads = "vector"
    better = "higher"

    def __init__(self, config: RetrievalConfig, takes: Mapping[str, Type], parts: Any = None) -> None:
        self.k = tuple(config.k)
        self.direction = config.direction
        self._asking: list[NDArray[np.float32]] = []
        self._searched: list[NDArray[np.float32]] = []

    def measure(
        self, prediction: VectorPrediction, reference: VectorPrediction
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """The vectors that ask and that are searched, ``[D]`` both."""
        pair = (prediction.values_D, reference.values_D)
        return pair if self.direction == "source_to_target" else pair[::-1]

    def update(self, asking_D: NDArray[np.float32], searched_D: NDArray[np.float32]) -> None:
        """Take in one pair."""
        self._asking.append(asking_D)
        self._searched.append(searched_D)

    def compute(self) -> dict[str, float]:
        """``recall_at_K`` for each ``k``, ``mrr`` and ``ndcg_at_10``, all as fractions; 0 without pairs."""
        ranks_N = self.ranks() if self._asking else np.ones(0)
        mean = (lambda x: float(x.mean())) if len(ranks_N) else (lambda x: 0.0)
        recalls = {f"recall_at_{k}": mean(ranks_N <= k) for k in self.k}
        gains_N = np.where(ranks_N <= CUT, 1.0 / np.log2(ranks_N + 1.0), 0.0)
        return {**recalls, "mrr": mean(1.0 / ranks_N), f"ndcg_at_{CUT}": mean(gains_N)}

    def ranks(self) -> NDArray[np.int64]:
        """``[N]``: the rank of each right target, from 1."""
        asking_ND, searched_ND = np.stack(self._asking), np.stack(self._searched)
        found = []
        for start in range(0, len(asking_ND), BLOCK):
            scores = asking_ND[start : start + BLOCK] @ searched_ND.T
            own = scores[np.arange(len(scores)), np.arange(start, start + len(scores))]
            found.append((scores >= own[:, None]).sum(1))
        return np.concatenate(found)

    def signature(self) -> str:
        """What decides the score."""
        held = len(self._asking)
        return signature([("metric", "retrieval"), ("direction", self.direction), ("candidates", held)])
