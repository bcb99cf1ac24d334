"""Rank correlation of the similarity of pairs with what people said of them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from seqspec.components.metric._compared import signature
from seqspec.schema.metric.spearman import SpearmanConfig
from seqspec.schema.model.dual_encoder import SIMILARITY
from seqspec.schema.types import Type


class Spearman:
    """Over all pairs of the split, Pearson's correlation beside it."""

    reads = "model"
    better = "higher"

    def __init__(self, config: SpearmanConfig, takes: Mapping[str, Type], parts: Any = None) -> None:
        self._pairs: list[tuple[float, float]] = []

    def examine(self, model: Any, batch: Any) -> Sequence[tuple[float, float]]:
        """The cosine of each pair, and what people said of it."""
        said_B = batch.fields[SIMILARITY].values
        return list(zip(model.score(batch).tolist(), said_B.tolist(), strict=True))

    def update(self, cosine: float, said: float) -> None:
        """Take in one pair."""
        self._pairs.append((cosine, said))

    def compute(self) -> dict[str, float]:
        """``spearman`` and ``pearson``, from -1 to 1; 0 where one side does not vary."""
        cosines_N, said_N = np.array(self._pairs, np.float64).reshape(-1, 2).T
        return {
            "spearman": _correlation(mean_ranks(cosines_N), mean_ranks(said_N)),
            "pearson": _correlation(cosines_N, said_N),
        }

    def signature(self) -> str:
        """What decides the score."""
        return signature([("metric", "spearman"), ("similarity", "cosine"), ("pairs", len(self._pairs))])


def mean_ranks(values_N: np.ndarray) -> np.ndarray:
    """Ranks from 1; equal values share the mean of theirs."""
    _, inverse_N, counts_K = np.unique(values_N, return_inverse=True, return_counts=True)
    last_K = counts_K.cumsum()
    ranks_N: np.ndarray = (last_K - (counts_K - 1) / 2)[inverse_N]
    return ranks_N


def _correlation(a_N: np.ndarray, b_N: np.ndarray) -> float:
    if len(a_N) < 2:
        return 0.0
    a_N, b_N = a_N - a_N.mean(), b_N - b_N.mean()
    spread = math.sqrt(float(a_N @ a_N) * float(b_N @ b_N))
    return float(a_N @ b_N) / spread if spread > 0 else 0.0
