"""Answers of two runtimes: texts are equal or not, values are near."""

import numpy as np
import pytest

from seqspec.components.predictions import (
    FramesPrediction,
    ImagePrediction,
    MaskPrediction,
    TextPrediction,
    VectorPrediction,
)
from seqspec.runtime.export.answers import LEVEL, PIXELS, VALUES, answers_apart


def image(value):
    return ImagePrediction(np.full((1, 2, 2), value, np.uint8))


def mask(*classes):
    return MaskPrediction(np.array([classes]), ("0", "1"))


@pytest.mark.parametrize(
    ("found", "expected", "apart", "tolerance"),
    [
        ([TextPrediction("a", 0.0), None], [TextPrediction("b", 0.0), None], 0.5, 0.0),
        ([image(8)], [image(7)], LEVEL, LEVEL),
        ([image(9), image(0)], [image(7), image(0)], 2 * LEVEL, LEVEL),
        ([mask(0, 1, 1, 1)], [mask(0, 0, 1, 1)], 0.25, PIXELS),
        ([VectorPrediction(np.array([1.5]))], [VectorPrediction(np.array([1.0]))], 0.25, VALUES),
        (
            [FramesPrediction(np.zeros((2, 3)), 80.0)],
            [FramesPrediction(np.zeros((1, 3)), 80.0)],
            np.inf,
            VALUES,
        ),
        ([None], [image(7)], 1.0, LEVEL),
        ([], [], 0.0, 0.0),
    ],
)
def test_how_far_answers_are_apart(found, expected, apart, tolerance):
    assert answers_apart(found, expected) == (apart, tolerance)
