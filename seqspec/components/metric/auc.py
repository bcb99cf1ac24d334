"""Area under the ROC curve, by the ranks of Mann and Whitney; ties count half."""

# N examples, V labels

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from seqspec.components.metric._compared import signature
from seqspec.schema.metric.auc import AucConfig

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from seqspec.schema.types import Type


class Auc:
    """Labels that every reference is, or none, have no curve and are left out of the mean."""

    reads = "probabilities"
    better = "higher"

    def __init__(self, config: AucConfig, takes: Mapping[str, Type], parts: Any = None) -> None:
        self._average = config.average
        self._labels: tuple[str, ...] = ()
        self._rows: list[NDArray[np.float64]] = []
        self._references: list[str] = []

    def update(self, probabilities: Mapping[str, float], reference: str) -> None:
        """Count one example: the probability of every label, and the right one."""
        self._labels = self._labels or tuple(probabilities)
        self._rows.append(np.array([probabilities[label] for label in self._labels]))
        self._references.append(reference)

    def compute(self) -> dict[str, float]:
        """``auc``, 0 where no label has a curve."""
        areas = self.by_label()
        if not areas:
            return {"auc": 0.0}
        if self._average == "macro":
            return {"auc": sum(areas.values()) / len(areas)}
        times = {label: self._references.count(label) for label in areas}
        return {"auc": sum(areas[label] * times[label] for label in areas) / sum(times.values())}

    def by_label(self) -> dict[str, float]:
        """The area of each label against all others."""
        if not self._rows:
            return {}
        scores_NV, references = np.stack(self._rows), np.array(self._references)
        return {
            label: area(scores_NV[:, column], references == label)
            for column, label in enumerate(self._labels)
            if 0 < (references == label).sum() < len(references)
        }

    def details(self) -> dict[str, Any]:
        """The area of each label."""
        return {"labels": self.by_label()}

    def signature(self) -> str:
        """What decides the score."""
        return signature([("metric", "auc"), ("average", self._average), ("labels", "one-against-rest")])


def area(scores_N: NDArray[np.float64], positive_N: NDArray[np.bool_]) -> float:
    """Share of pairs of a positive and a negative example in which the positive scores higher."""
    _, place_N, counts = np.unique(scores_N, return_inverse=True, return_counts=True)
    ranks = np.cumsum(counts) - (counts - 1) / 2
    positives = int(positive_N.sum())
    negatives = len(positive_N) - positives
    above = ranks[place_N[positive_N]].sum() - positives * (positives + 1) / 2
    return float(above / (positives * negatives))
