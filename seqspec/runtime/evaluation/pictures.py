"""Predicted values as pictures: what they look like, not what is computed with."""

# C channels, D width of a frame, H height, W width of an image, N points, T frames

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from seqspec.components.mask_colours import coloured, palette
from seqspec.components.predictions import (
    FramesPrediction,
    ImagePrediction,
    MaskPrediction,
    PointsPrediction,
    Predicted,
)
from seqspec.pages.media import grey_png, png

if TYPE_CHECKING:
    from numpy.typing import NDArray

SIDE = 320
"""Pixels of a picture of points on each side."""
TURN, TILT = np.radians(35.0), np.radians(20.0)
"""From where points are looked at: turned about the second axis, then seen from a little above."""


def picture(value: Predicted) -> bytes | None:
    """A PNG; ``None`` of what is no image and cannot be drawn as one."""
    match value:
        case ImagePrediction():
            pixels = value.pixels_CHW
            return png(pixels if len(pixels) in (1, 3) else pixels[:1])
        case MaskPrediction():
            return png(coloured(value))
        case FramesPrediction():
            return _frames(value.frames_TD)
        case PointsPrediction():
            return png(_points(value))
    return None


def _frames(frames_TD: NDArray[np.float32]) -> bytes:
    """Frames as a grey image, time from left to right, low features below."""
    values = np.asarray(frames_TD, np.float64).T[::-1]
    low, high = float(values.min(initial=0)), float(values.max(initial=0))
    return grey_png(((values - low) / ((high - low) or 1.0)).tolist())


def _points(value: PointsPrediction) -> NDArray[np.uint8]:
    """``[3, H, W]``: points in the colours of their classes on white, the near ones over the far ones."""
    pixels_HWC = np.full((SIDE, SIDE, 3), 255, np.uint8)
    places_N3 = np.asarray(value.points_NC, np.float64)[:, :3] @ _view()
    places_N3 -= (places_N3.min(0) + places_N3.max(0)) / 2
    scale = (SIDE / 2 - 4) / (np.abs(places_N3).max() or 1.0)
    colours_N3 = palette()[np.asarray(value.classes_N) % 255 + 1]
    order_N = np.argsort(places_N3[:, 2], kind="stable")
    columns_N = (SIDE / 2 + scale * places_N3[order_N, 0]).astype(int)
    rows_N = (SIDE / 2 - scale * places_N3[order_N, 1]).astype(int)
    for down in (-1, 0, 1):
        for right in (-1, 0, 1):
            pixels_HWC[rows_N + down, columns_N + right] = colours_N3[order_N]
    return np.ascontiguousarray(pixels_HWC.transpose(2, 0, 1))


def _view() -> NDArray[np.float64]:
    """``[3, 3]``: places to the right, up, and towards the one who looks."""
    turn = np.array([[np.cos(TURN), 0, -np.sin(TURN)], [0, 1, 0], [np.sin(TURN), 0, np.cos(TURN)]])
    tilt = np.array([[1, 0, 0], [0, np.cos(TILT), np.sin(TILT)], [0, -np.sin(TILT), np.cos(TILT)]])
    return turn @ tilt
