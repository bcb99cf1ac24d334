"""Rectangles of noise."""

# C channels, H height, W width

from __future__ import annotations

import math

import torch
from torch import Tensor

from seqspec.components.augment._image import ImageAugment
from seqspec.schema.augment.random_erasing import RandomErasingConfig
from seqspec.schema.types import Image

REACH = math.log(10 / 3)
"""Logarithm of the longest side over the shortest (section 4.1)."""


class RandomErasing(ImageAugment):
    """Draws whether, the area, the shape and the place."""

    def __init__(self, config: RandomErasingConfig, source: Image) -> None:
        self.chance = config.chance
        self.areas = config.least_area, max(config.least_area, config.most_area)

    def draw(self, height: int, width: int, generator: torch.Generator) -> tuple[int, int, int, int] | None:
        whether, area, shape, down, right = torch.rand(5, generator=generator, dtype=torch.float64).tolist()
        if whether >= self.chance:
            return None
        least, most = self.areas
        pixels = (least + (most - least) * area) * height * width
        stretch = math.exp((2 * shape - 1) * REACH / 2)
        rows = min(height, max(1, round(math.sqrt(pixels) / stretch)))
        columns = min(width, max(1, round(math.sqrt(pixels) * stretch)))
        return int(down * (height - rows + 1)), int(right * (width - columns + 1)), rows, columns

    def apply(self, x_CHW: Tensor, drawn: tuple[int, int, int, int] | None) -> Tensor:
        if drawn is None:
            return x_CHW
        top, left, rows, columns = drawn
        erased_CHW = x_CHW.clone()
        erased_CHW[:, top : top + rows, left : left + columns] = x_CHW.mean((1, 2))[:, None, None]
        return erased_CHW
