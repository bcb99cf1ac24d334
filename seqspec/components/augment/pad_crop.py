"""Images padded on every side, then cut out anew at a random place."""

# C channels, H height, W width

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from seqspec.components.augment._image import ImageAugment
from seqspec.schema.augment.pad_crop import PadCropConfig
from seqspec.schema.types import Image

MODES = {"zero": "constant", "reflect": "reflect", "edge": "replicate"}


class PadCrop(ImageAugment):
    """Draws the place; gives an image of the same size."""

    def __init__(self, config: PadCropConfig, source: Image) -> None:
        self.padding = config.padding
        self.mode = MODES[config.fill]

    def draw(self, height: int, width: int, generator: torch.Generator) -> tuple[int, int]:
        top, left = torch.randint(2 * self.padding + 1, (2,), generator=generator).tolist()
        return top, left

    def apply(self, x_CHW: Tensor, drawn: tuple[int, int]) -> Tensor:
        return self._cut(x_CHW, drawn, fill=0.0)

    def on_mask(self, x_HW: Tensor, drawn: tuple[int, int], *, ignore: int | None) -> Tensor:
        """What is added has no class; where every pixel must have one it is class 0."""
        x_1HW = x_HW[None] if self.mode == "constant" else x_HW[None].double()  # torch reflects no integers
        return self._cut(x_1HW, drawn, fill=float(ignore or 0))[0].to(x_HW.dtype)

    def _cut(self, x_CHW: Tensor, drawn: tuple[int, int], *, fill: float) -> Tensor:
        (top, left), (height, width) = drawn, x_CHW.shape[-2:]
        value = {"value": fill} if self.mode == "constant" else {}
        padded = functional.pad(x_CHW[None], [self.padding] * 4, mode=self.mode, **value)[0]
        return padded[:, top : top + height, left : left + width]
