"""Images whose class shows in the direction and fineness of a pattern of stripes, with noise on top."""

from __future__ import annotations

import random

import numpy as np
from numpy.typing import NDArray


def image(label: int, rng: random.Random, *, channels: int, height: int, width: int) -> NDArray[np.uint8]:
    """An image of class ``label``: ``[channels, height, width]``."""
    noise = np.random.Generator(np.random.Philox(rng.getrandbits(64)))
    angle, cycles = label * np.pi / 5, 2 + label % 3
    y, x = np.mgrid[0:height, 0:width] / max(height, width)
    stripes = np.sin(2 * np.pi * (cycles * (x * np.cos(angle) + y * np.sin(angle)) + rng.uniform(0, 0.25)))
    tint = np.array([1.0, 0.5 + 0.5 * np.cos(label), 0.5 + 0.5 * np.sin(label)])[:channels, None, None]
    clean = 128 + 90 * stripes[None] * tint
    noisy = clean + noise.normal(0, 12, (channels, height, width))
    pixels: NDArray[np.uint8] = np.clip(np.round(noisy), 0, 255).astype(np.uint8)
    return pixels
