"""Intersection over union of parts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from seqspec.components.metric._compared import signature
from seqspec.components.predictions import PointsPrediction
from seqspec.schema.metric.part_iou import PartIouConfig
from seqspec.schema.types import PointClasses, Type


class PartIou:
    """A thing's category is that of its points."""

    reads = "points"
    better = "higher"

    def __init__(self, config: PartIouConfig, takes: Mapping[str, Type], parts: Any = None) -> None:
        target = takes["target"]
        assert isinstance(target, PointClasses)
        self.bounds = np.array([*target.first, target.classes])
        self.things: dict[int, list[float]] = {}

    def measure(self, prediction: PointsPrediction, reference: PointsPrediction) -> tuple[int, float]:
        """The category of a thing, and its mean over parts."""
        found, truth = prediction.classes_N, reference.classes_N
        category = int(np.searchsorted(self.bounds, truth[0], side="right")) - 1
        each = [
            _iou(found == part, truth == part)
            for part in range(self.bounds[category], self.bounds[category + 1])
        ]
        return category, float(np.mean(each))

    def alone(self, category: int, iou: float) -> float:
        """The score of one thing."""
        return iou

    def update(self, category: int, iou: float) -> None:
        """Count one thing."""
        self.things.setdefault(category, []).append(iou)

    def compute(self) -> dict[str, float]:
        """``part_iou`` by things, and ``part_iou.category``; 0 without any."""
        every = [iou for found in self.things.values() for iou in found]
        means = [float(np.mean(found)) for _, found in sorted(self.things.items())]
        return {
            "part_iou": float(np.mean(every)) if every else 0.0,
            "part_iou.category": float(np.mean(means)) if means else 0.0,
        }

    def signature(self) -> str:
        """What decides the score."""
        return signature([("metric", "part_iou"), ("mean", "things"), ("absent", "1")])


def _iou(found: Any, truth: Any) -> float:
    either = int((found | truth).sum())
    return int((found & truth).sum()) / either if either else 1.0
