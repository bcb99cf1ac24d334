"""How far answers of two runtimes are apart: texts and labels are equal or not, values have a distance."""

# T frames or samples, D width, C channels, H height, W width of an image

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from seqspec.components.predictions import (
    AudioPrediction,
    FramesPrediction,
    ImagePrediction,
    LabelPrediction,
    MaskPrediction,
    PointsPrediction,
    Predicted,
    TextPrediction,
    VectorPrediction,
    VideoPrediction,
)
from seqspec.runtime.export.target import difference

LEVEL = 1 / 255
"""One level of a pixel: a value between two of them may be rounded either way."""
PIXELS = 1e-3
"""Share of a mask's pixels, or of points: where two classes score the same, either may be the larger."""
VALUES = 1e-3
"""Of vectors, frames and samples, ``|a - b| / (1 + |b|)``."""


def best_of(hypotheses: Sequence[Predicted]) -> Predicted | None:
    """The best hypothesis of one input."""
    return hypotheses[0] if hypotheses else None


def answers_apart(
    found: Sequence[Predicted | None], expected: Sequence[Predicted | None]
) -> tuple[float, float]:
    """How far apart, and how far they may be: of texts and labels the share that differs, 0; of values the
    largest distance.
    """
    pairs = list(zip(found, expected, strict=True))
    distances = [_distance(a, b) for a, b in pairs]
    tolerance = max((_tolerance(b) for b in expected), default=0.0)
    if tolerance:
        return max(distances), tolerance
    return sum(distances) / max(len(distances), 1), 0.0


def _tolerance(value: Predicted | None) -> float:
    match value:
        case ImagePrediction():
            return LEVEL
        case MaskPrediction() | PointsPrediction():
            return PIXELS
        case VectorPrediction() | FramesPrediction() | AudioPrediction() | VideoPrediction():
            return VALUES
    return 0.0


def _distance(found: Predicted | None, expected: Predicted | None) -> float:
    match found, expected:
        case ImagePrediction(), ImagePrediction():
            if found.pixels_CHW.shape != expected.pixels_CHW.shape:
                return float("inf")
            return float(np.abs(found.pixels_CHW.astype(int) - expected.pixels_CHW.astype(int)).max()) / 255
        case MaskPrediction(), MaskPrediction():
            return float((found.classes_HW != expected.classes_HW).mean())
        case PointsPrediction(), PointsPrediction():
            if found.classes_N.shape != expected.classes_N.shape:
                return float("inf")
            return float((found.classes_N != expected.classes_N).mean())
        case VideoPrediction(), VideoPrediction():
            return difference(found.frames_THW, expected.frames_THW)
        case VectorPrediction(), VectorPrediction():
            return difference(found.values_D, expected.values_D)
        case FramesPrediction(), FramesPrediction():
            return difference(found.frames_TD, expected.frames_TD)
        case AudioPrediction(), AudioPrediction():
            return difference(found.samples_T, expected.samples_T)
        case TextPrediction() | LabelPrediction(), TextPrediction() | LabelPrediction():
            return float(found.text != expected.text)
    return float(found != expected)
