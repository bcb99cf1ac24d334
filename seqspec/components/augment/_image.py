"""What augmentation of images shares: numbers are drawn first, then applied, so that a mask can be changed by
the very numbers that its image was.
"""

# C channels, H height, W width

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import torch
from torch import Tensor


class ImageAugment(ABC):
    """``augment(x_CHW, generator)``; ``x_CHW`` itself is left as it was."""

    @abstractmethod
    def draw(self, height: int, width: int, generator: torch.Generator) -> Any:
        """All random numbers of one image."""

    @abstractmethod
    def apply(self, x_CHW: Tensor, drawn: Any) -> Tensor:
        """The image changed by them; of the same size."""

    def on_mask(self, x_HW: Tensor, drawn: Any, *, ignore: int | None) -> Tensor:
        """The mask of an image that they have changed; ``ignore`` stands at pixels without a class. What
        changes colours alone leaves masks as they are.
        """
        return x_HW

    def __call__(self, x_CHW: Tensor, generator: torch.Generator) -> Tensor:
        return self.apply(x_CHW, self.draw(x_CHW.shape[-2], x_CHW.shape[-1], generator))


class MaskStep:
    """``step(x_HW, generator)``: what an augmentation of images does to the mask beside the image."""

    def __init__(self, augment: ImageAugment, *, ignore: int | None) -> None:
        self.augment, self.ignore = augment, ignore

    def __call__(self, x_HW: Tensor, generator: torch.Generator) -> Tensor:
        drawn = self.augment.draw(x_HW.shape[-2], x_HW.shape[-1], generator)
        return self.augment.on_mask(x_HW, drawn, ignore=self.ignore)
