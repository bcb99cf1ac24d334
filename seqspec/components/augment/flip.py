"""Pictures seen in a mirror."""

# C channels, H height, W width

from __future__ import annotations

import torch
from torch import Tensor

from seqspec.schema.augment.flip import FlipConfig
from seqspec.schema.types import Image


class Flip:
    """``augment(x_CHW, generator)``."""

    def __init__(self, config: FlipConfig, source: Image) -> None:
        self.dim = -1 if config.axis == "left_right" else -2
        self.chance = config.chance

    def __call__(self, x_CHW: Tensor, generator: torch.Generator) -> Tensor:
        if float(torch.rand((), generator=generator)) >= self.chance:
            return x_CHW
        return x_CHW.flip(self.dim)
