"""Peak signal-to-noise ratio."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from seqspec.components.metric._compared import signature
from seqspec.components.predictions import VideoPrediction
from seqspec.schema.metric.psnr import PsnrConfig
from seqspec.schema.types import Type


class Psnr:
    """Of each frame, then the mean over all frames."""

    reads = "video"
    better = "higher"

    def __init__(self, config: PsnrConfig, takes: Mapping[str, Type], parts: Any = None) -> None:
        self.most, self.by_frame = config.most, config.by_frame
        self.errors: list[list[float]] = []
        """By frames ahead, then by clips."""

    def measure(self, prediction: VideoPrediction, reference: VideoPrediction) -> tuple[list[float]]:
        """The mean squared error of each frame."""
        pairs = zip(prediction.frames_THW, reference.frames_THW, strict=True)
        return ([float(((found - truth) ** 2).mean()) for found, truth in pairs],)

    def alone(self, errors: list[float]) -> float:
        """The score of one clip."""
        return self._ratio(errors)

    def update(self, errors: list[float]) -> None:
        """Count one clip."""
        for ahead, error in enumerate(errors):
            if ahead == len(self.errors):
                self.errors.append([])
            self.errors[ahead].append(error)

    def compute(self) -> dict[str, float]:
        """``psnr`` and ``psnr.mse``, and ``psnr.N`` of the Nth frame ahead where it is asked for."""
        every = [error for errors in self.errors for error in errors]
        found = {"psnr": self._ratio(every), "psnr.mse": sum(every) / max(len(every), 1)}
        if self.by_frame:
            found |= {f"psnr.{ahead}": self._ratio(errors) for ahead, errors in enumerate(self.errors, 1)}
        return found

    def signature(self) -> str:
        """What decides the score."""
        return signature([("metric", "psnr"), ("mean", "frames"), ("peak", "1"), ("most", f"{self.most:g}")])

    def _ratio(self, errors: list[float]) -> float:
        least = 10 ** (-self.most / 10)
        return sum(-10 * math.log10(max(error, least)) for error in errors) / max(len(errors), 1)
