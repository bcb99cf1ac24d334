"""Lovász-softmax."""

# B batch, V classes, H height, W width, P pixels

from __future__ import annotations

import torch
from torch import Tensor, nn

from seqspec.components._layers.pixel_losses import shares
from seqspec.components.loss._loss import Loss
from seqspec.schema.loss.lovasz import LovaszConfig
from seqspec.schema.types import PixelLogits


class Lovasz(nn.Module):
    """``criterion(logits_BVHW, classes_BHW)``: of each image, the mean over the classes that it holds."""

    def __init__(self, config: LovaszConfig, source: PixelLogits) -> None:
        super().__init__()
        self.ignore = source.ignore

    def forward(self, logits_BVHW: Tensor, classes_BHW: Tensor) -> Loss:
        # Pixels without a class have errors of 0 and stand last, where they change nothing.
        given_BVP, truth_BVP = shares(logits_BVHW, classes_BHW, ignore=self.ignore)
        errors_BVP, order_BVP = (truth_BVP - given_BVP).abs().sort(dim=2, descending=True, stable=True)
        slopes_BVP = jaccard_slopes(truth_BVP.gather(2, order_BVP))
        each_BV = (errors_BVP * slopes_BVP).sum(2)
        present_BV = truth_BVP.sum(2) > 0
        mean_B = (each_BV * present_BV).sum(1) / present_BV.sum(1).clamp(min=1)
        return Loss(mean_B.sum(), torch.tensor(len(mean_B), device=mean_B.device), {})


def jaccard_slopes(truth_BVP: Tensor) -> Tensor:
    """How much the Jaccard loss grows as the pixels become wrong one after another (algorithm 1)."""
    total_BV1 = truth_BVP.sum(2, keepdim=True)
    both_BVP = total_BV1 - truth_BVP.cumsum(2)
    either_BVP = total_BV1 + (1 - truth_BVP).cumsum(2)
    loss_BVP = 1 - both_BVP / either_BVP
    return torch.diff(loss_BVP, dim=2, prepend=torch.zeros_like(total_BV1))
