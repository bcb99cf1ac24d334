"""Precision and recall of a generator."""

# N, M images, D features

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqspec.components.metric._generated import GeneratedImages
from seqspec.schema.metric.improved_precision import ImprovedPrecisionConfig
from seqspec.schema.types import Type

ROWS = 512
"""Rows of distances that exist at a time."""


class ImprovedPrecision(GeneratedImages):
    """Fractions (equations 2 and 3)."""

    better = "higher"

    def __init__(self, config: ImprovedPrecisionConfig, takes: Mapping[str, Type], parts: Any = None) -> None:
        super().__init__(config, takes, parts)
        self.neighbors = config.num_neighbors

    def compared(self, real_ND: NDArray[np.float64], made_ND: NDArray[np.float64]) -> dict[str, float]:
        return {
            "improved_precision": covered(made_ND, by=real_ND, neighbors=self.neighbors),
            "improved_recall": covered(real_ND, by=made_ND, neighbors=self.neighbors),
        }

    def signature(self) -> str:
        """What decides the score."""
        return self.signed("improved_precision", ("neighbors", self.neighbors))


def covered(x_ND: NDArray[np.float64], *, by: NDArray[np.float64], neighbors: int) -> float:
    """The share of ``x`` that lies in a ball around one of ``by``, each as large as the distance to its
    neighbour of that number, itself not counted; of fewer points, to the farthest.
    """
    place = min(neighbors, len(by) - 1)
    rows = range(0, len(by), ROWS)
    radius_M = np.concatenate([np.partition(_squares(by[r : r + ROWS], by), place)[:, place] for r in rows])
    inside = sum(
        int((_squares(x_ND[row : row + ROWS], by) <= radius_M).any(1).sum())
        for row in range(0, len(x_ND), ROWS)
    )
    return inside / len(x_ND)


def _squares(a_ND: NDArray[np.float64], b_MD: NDArray[np.float64]) -> NDArray[np.float64]:
    """``[N, M]``: squared distances."""
    both_NM = np.square(a_ND).sum(1)[:, None] + np.square(b_MD).sum(1) - 2 * (a_ND @ b_MD.T)
    return np.asarray(both_NM.clip(min=0), np.float64)
