"""Masks in colour: a colour for each class."""

# H height, W width

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from seqspec.components.predictions import MaskPrediction

PALETTE_STEPS = 8


def coloured(mask: MaskPrediction) -> NDArray[np.uint8]:
    """``[3, H, W]``: each pixel in the colour of its class."""
    return np.ascontiguousarray(palette()[np.clip(mask.classes_HW, 0, 255)].transpose(2, 0, 1))


def palette() -> NDArray[np.uint8]:
    """``[256, 3]`` colours whose neighbours differ: the bits of a class's number, spread over red, green and
    blue from the highest bit down, as in Pascal VOC's development kit.
    """
    numbers = np.arange(256)
    colours = np.zeros((256, 3), np.int64)
    for step in range(PALETTE_STEPS):
        for channel in range(3):
            colours[:, channel] |= (numbers >> channel & 1) << 7 - step
        numbers >>= 3
    return colours.astype(np.uint8)
