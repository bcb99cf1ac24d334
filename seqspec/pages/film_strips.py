"""A film as one image: its frames in rows, from left to right."""

# T frames, H height, W width, C channels (grey and opacity)

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST_FRAMES = 20
"""Frames that are shown, evenly chosen from all of them with the first and the last."""
COLUMNS = 10
"""Frames of a row; a shorter film leaves the rest of its row empty, so that films are as large as each
other.
"""
_MOST_SIDE, _GAP = 96, 2
"""Pixels of a frame and between frames."""


def film_strip(frames_THW: NDArray[np.floating]) -> NDArray[np.uint8]:
    """``[2, height, width]``: grey and opacity of a film with pixels in [0, 1]."""
    shown_THW = [_smaller(frames_THW[number]) for number in chosen_frames(len(frames_THW))]
    height, width = shown_THW[0].shape if shown_THW else (1, 1)
    rows = max(-(-len(shown_THW) // COLUMNS), 1)
    strip_CHW = np.zeros((2, rows * (height + _GAP) - _GAP, COLUMNS * (width + _GAP) - _GAP), np.uint8)
    for number, frame_HW in enumerate(shown_THW):
        top, left = number // COLUMNS * (height + _GAP), number % COLUMNS * (width + _GAP)
        strip_CHW[0, top : top + height, left : left + width] = (np.clip(frame_HW, 0, 1) * 255).round()
        strip_CHW[1, top : top + height, left : left + width] = 255
    return strip_CHW


def chosen_frames(count: int) -> list[int]:
    """Numbers of the frames that are shown of ``count``."""
    if count <= MOST_FRAMES:
        return list(range(count))
    return [round(number * (count - 1) / (MOST_FRAMES - 1)) for number in range(MOST_FRAMES)]


def _smaller(frame_HW: NDArray[np.floating]) -> NDArray[np.floating]:
    """The means of squares of pixels, as large as a side of ``_MOST_SIDE`` asks for; what is left over at the
    right and below is cut off.
    """
    by = -(-max(frame_HW.shape) // _MOST_SIDE)
    height, width = (max(side // by, 1) for side in frame_HW.shape)
    cut_HW = frame_HW[: height * by, : width * by]
    means_HW: NDArray[np.floating] = cut_HW.reshape(height, cut_HW.shape[0] // height, width, -1).mean((1, 3))
    return means_HW
