"""Pictures padded on every side, then cut out anew at a random place."""

# C channels, H height, W width

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from seqspec.schema.augment.pad_crop import PadCropConfig
from seqspec.schema.types import Image

MODES = {"zero": "constant", "reflect": "reflect", "edge": "replicate"}


class PadCrop:
    """``augment(x_CHW, generator)``; gives a picture of the same size."""

    def __init__(self, config: PadCropConfig, source: Image) -> None:
        self.padding = config.padding
        self.mode = MODES[config.fill]

    def __call__(self, x_CHW: Tensor, generator: torch.Generator) -> Tensor:
        height, width = x_CHW.shape[-2:]
        padded = functional.pad(x_CHW[None], [self.padding] * 4, mode=self.mode)[0]
        top, left = torch.randint(2 * self.padding + 1, (2,), generator=generator).tolist()
        return padded[:, top : top + height, left : left + width]
