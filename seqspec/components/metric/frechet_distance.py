"""Fréchet distance of two sets of images."""

# N images, D features

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from seqspec.components.metric._generated import GeneratedImages


class FrechetDistance(GeneratedImages):
    """In the units of the features, squared; 0 where both sets have the same mean and covariance."""

    better = "lower"

    def compared(self, real_ND: NDArray[np.float64], made_ND: NDArray[np.float64]) -> dict[str, float]:
        return {"frechet_distance": frechet_distance(real_ND, made_ND)}

    def signature(self) -> str:
        """What decides the score."""
        return self.signed("frechet_distance")


def frechet_distance(first_ND: NDArray[np.float64], second_ND: NDArray[np.float64]) -> float:
    """|m1 - m2|² + tr(S1 + S2 - 2 (S1 S2)^½), in float64 (Dowson & Landau 1982, equation 16).

    The trace of the root is that of the roots of the eigenvalues of S1^½ S2 S1^½, which is symmetric; so
    covariances of fewer images than features do no harm.
    """
    first_DD, second_DD = (np.atleast_2d(np.cov(x_ND, rowvar=False)) for x_ND in (first_ND, second_ND))
    values_D, vectors_DD = np.linalg.eigh(first_DD)
    root_DD = (vectors_DD * np.sqrt(values_D.clip(min=0))) @ vectors_DD.T
    between_D = np.linalg.eigvalsh(root_DD @ second_DD @ root_DD)
    apart = float(np.square(first_ND.mean(0) - second_ND.mean(0)).sum())
    spread = float(np.trace(first_DD) + np.trace(second_DD) - 2 * np.sqrt(between_D.clip(min=0)).sum())
    return max(apart + spread, 0.0)
