"""Other brightness, contrast and saturation."""

# C channels, H height, W width

from __future__ import annotations

import torch
from torch import Tensor

from seqspec.components.augment._colour import grey_of, mixed
from seqspec.components.augment._image import ImageAugment
from seqspec.schema.augment.color_jitter import ColorJitterConfig
from seqspec.schema.types import Image


class ColorJitter(ImageAugment):
    """Draws the three factors."""

    def __init__(self, config: ColorJitterConfig, source: Image) -> None:
        self.strengths = config.brightness, config.contrast, config.saturation

    def draw(self, height: int, width: int, generator: torch.Generator) -> list[float]:
        drawn = torch.rand(3, generator=generator, dtype=torch.float64).tolist()
        return [1 + (2 * one - 1) * strength for one, strength in zip(drawn, self.strengths, strict=True)]

    def apply(self, x_CHW: Tensor, drawn: list[float]) -> Tensor:
        brightness, contrast, saturation = drawn
        x_CHW = (x_CHW * brightness).clamp(0, 1)
        x_CHW = mixed(grey_of(x_CHW).mean(), x_CHW, contrast)
        return mixed(grey_of(x_CHW), x_CHW, saturation)
