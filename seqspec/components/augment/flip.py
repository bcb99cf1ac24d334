"""Images seen in a mirror."""

# C channels, H height, W width

from __future__ import annotations

import torch
from torch import Tensor

from seqspec.components.augment._image import ImageAugment
from seqspec.schema.augment.flip import FlipConfig
from seqspec.schema.types import Image


class Flip(ImageAugment):
    """Draws whether."""

    def __init__(self, config: FlipConfig, source: Image) -> None:
        self.dim = -1 if config.axis == "left_right" else -2
        self.chance = config.chance

    def draw(self, height: int, width: int, generator: torch.Generator) -> bool:
        return float(torch.rand((), generator=generator)) < self.chance

    def apply(self, x_CHW: Tensor, drawn: bool) -> Tensor:
        return x_CHW.flip(self.dim) if drawn else x_CHW

    def on_mask(self, x_HW: Tensor, drawn: bool, *, ignore: int | None) -> Tensor:
        return self.apply(x_HW, drawn)
