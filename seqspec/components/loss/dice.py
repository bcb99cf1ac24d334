"""Dice loss."""

# B batch, V classes, H height, W width, P pixels

from __future__ import annotations

import torch
from torch import Tensor, nn

from seqspec.components._layers.pixel_losses import shares
from seqspec.components.loss._loss import Loss
from seqspec.schema.loss.dice import DiceConfig
from seqspec.schema.types import PixelLogits


class Dice(nn.Module):
    """``criterion(logits_BVHW, classes_BHW)``."""

    def __init__(self, config: DiceConfig, source: PixelLogits) -> None:
        super().__init__()
        self.over, self.smooth, self.ignore = config.over, config.smooth, source.ignore
        self.first = 0 if config.background else 1

    def forward(self, logits_BVHW: Tensor, classes_BHW: Tensor) -> Loss:
        given_BVP, truth_BVP = shares(logits_BVHW, classes_BHW, ignore=self.ignore)
        both_BV, sum_BV = (given_BVP * truth_BVP).sum(2), (given_BVP + truth_BVP).sum(2)
        if self.over == "batch":
            both_BV, sum_BV = both_BV.sum(0, keepdim=True), sum_BV.sum(0, keepdim=True)
        overlap_BV = (2 * both_BV + self.smooth) / (sum_BV + self.smooth)
        mean = (1 - overlap_BV[:, self.first :]).mean()
        count = torch.tensor(len(logits_BVHW), device=logits_BVHW.device)
        return Loss(mean * count, count, {})
