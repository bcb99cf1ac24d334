"""A part of an image, scaled to all of its size."""

# C channels, H height, W width

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from seqspec.components.augment._image import ImageAugment
from seqspec.schema.augment.random_resized_crop import RandomResizedCropConfig
from seqspec.schema.types import Image


class Rectangle(NamedTuple):
    """In pixels."""

    top: int
    left: int
    height: int
    width: int


class RandomResizedCrop(ImageAugment):
    """Draws the rectangle: area and shape first, cut down to the image, then the place."""

    def __init__(self, config: RandomResizedCropConfig, source: Image) -> None:
        self.least_area, self.reach = config.least_area, math.log(config.most_ratio)

    def draw(self, height: int, width: int, generator: torch.Generator) -> Rectangle:
        area, shape, down, right = torch.rand(4, generator=generator, dtype=torch.float64).tolist()
        side = math.sqrt(self.least_area + (1 - self.least_area) * area)
        stretch = math.exp((shape - 0.5) * self.reach)
        rows = min(height, max(1, round(height * side / stretch)))
        columns = min(width, max(1, round(width * side * stretch)))
        top, left = int(down * (height - rows + 1)), int(right * (width - columns + 1))
        return Rectangle(top, left, rows, columns)

    def apply(self, x_CHW: Tensor, drawn: Rectangle) -> Tensor:
        size = x_CHW.shape[-2:]
        return functional.interpolate(_cut(x_CHW, drawn)[None], size=size, mode="bilinear")[0]

    def on_mask(self, x_HW: Tensor, drawn: Rectangle, *, ignore: int | None) -> Tensor:
        cut_11HW = _cut(x_HW, drawn)[None, None].double()
        return functional.interpolate(cut_11HW, size=x_HW.shape, mode="nearest-exact")[0, 0].to(x_HW.dtype)


def _cut(x: Tensor, at: Rectangle) -> Tensor:
    return x[..., at.top : at.top + at.height, at.left : at.left + at.width]
