"""Films of two bright squares that move straight on and bounce off the edges."""

# T frames, H height, W width

from __future__ import annotations

import random

import numpy as np
from numpy.typing import NDArray


def moving_squares(rng: random.Random, *, frames: int, height: int, width: int) -> NDArray[np.uint8]:
    """``[T, H, W]``, white on black; sizes and speeds go with the shorter side."""
    film_THW = np.zeros((frames, height, width), np.uint8)
    shorter = min(height, width)
    for _ in range(2):
        size = rng.randrange(max(shorter * 10 // 64, 1), max(shorter * 18 // 64, 2))
        places = [rng.uniform(0, side - size) for side in (height, width)]
        speeds = [rng.choice((-1, 1)) * rng.uniform(2, 5) * shorter / 64 for _ in range(2)]
        for frame_HW in film_THW:
            y, x = (round(place) for place in places)
            frame_HW[y : y + size, x : x + size] = 255
            for axis, side in enumerate((height, width)):
                if not 0 <= places[axis] + speeds[axis] <= side - size:
                    speeds[axis] = -speeds[axis]
                places[axis] += speeds[axis]
    return film_THW
