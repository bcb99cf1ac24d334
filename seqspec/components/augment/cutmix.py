"""A rectangle of another image."""

# C channels, H height, W width

from __future__ import annotations

import math

import torch
from torch import Tensor

from seqspec.components.augment._mixing import Mixing
from seqspec.data.batching.mixing_partners import Mixed


class Cutmix(Mixing):
    """Draws the share of the area that stays and the centre of the rectangle, which may reach beyond the
    edge: the labels follow what is really covered (equations 1 and 2).
    """

    def mix(self, x_CHW: Tensor, other_CHW: Tensor, generator: torch.Generator) -> Mixed:
        height, width = x_CHW.shape[-2:]
        side = math.sqrt(1 - self.drawn_share(generator))
        down, right = torch.rand(2, generator=generator, dtype=torch.float64).tolist()
        top, bottom = _span(down, side, height)
        left, end = _span(right, side, width)
        mixed_CHW = x_CHW.clone()
        mixed_CHW[:, top:bottom, left:end] = other_CHW[:, top:bottom, left:end]
        return Mixed(mixed_CHW, 1 - (bottom - top) * (end - left) / (height * width))


def _span(center: float, side: float, size: int) -> tuple[int, int]:
    """Where ``side`` of an edge of so many pixels begins and ends, cut off where the edge ends."""
    length, middle = int(size * side), int(center * size)
    return max(0, middle - length // 2), min(size, middle - length // 2 + length)
