"""Expected calibration error: Guo et al. (2017), arXiv:1706.04599, equation 3."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from seqspec.components.metric._compared import signature
from seqspec.schema.metric.ece import EceConfig

if TYPE_CHECKING:
    from seqspec.schema.types import Type


class Ece:
    """Bin m holds probabilities in ((m - 1) / M, m / M]; the mean over examples of each bin's distance
    between accuracy and mean probability.
    """

    reads = "probabilities"
    better = "lower"

    def __init__(self, config: EceConfig, takes: Mapping[str, Type], parts: Any = None) -> None:
        self._bins = config.bins
        self._confidences: list[list[float]] = [[] for _ in range(config.bins)]
        self._right = [0] * config.bins

    def update(self, probabilities: Mapping[str, float], reference: str) -> None:
        """Count one example: the probability of every label, and the right one."""
        label = max(probabilities, key=lambda one: probabilities[one])
        confidence = probabilities[label]
        place = min(max(math.ceil(confidence * self._bins) - 1, 0), self._bins - 1)
        self._confidences[place].append(confidence)
        self._right[place] += label == reference

    def compute(self) -> dict[str, float]:
        """``ece`` as a fraction, 0 without examples."""
        gaps = [
            abs(right - math.fsum(held)) for right, held in zip(self._right, self._confidences, strict=True)
        ]
        return {"ece": sum(gaps) / max(sum(map(len, self._confidences)), 1)}

    def details(self) -> dict[str, Any]:
        """What a reliability diagram shows: the bins that hold examples."""
        return {
            "bins": [
                {
                    "from": place / self._bins,
                    "to": (place + 1) / self._bins,
                    "examples": len(held),
                    "probability": math.fsum(held) / len(held),
                    "accuracy": self._right[place] / len(held),
                }
                for place, held in enumerate(self._confidences)
                if held
            ]
        }

    def signature(self) -> str:
        """What decides the score."""
        return signature([("metric", "ece"), ("bins", self._bins)])
