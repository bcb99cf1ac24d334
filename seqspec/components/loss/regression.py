"""Absolute or squared distance, or the cross entropy of pixels, over the places that count."""

# B batch, T places, D features

from __future__ import annotations

import torch
from torch import Tensor, nn

from seqspec.components._layers.masks import length_mask
from seqspec.components.loss._loss import Loss
from seqspec.schema.loss.regression import RegressionConfig
from seqspec.schema.types import Type

LEAST = 1e-12
"""Of a probability, so that one of 0 has a finite loss."""


class Regression(nn.Module):
    """``criterion(predicted, reference, lengths)``."""

    def __init__(self, config: RegressionConfig, source: Type) -> None:
        super().__init__()
        self.norm = config.norm

    def forward(self, predicted: Tensor, reference: Tensor, lengths_B: Tensor) -> Loss:
        """Of ``[B, T, D]`` the mean over D is one place; evaluation counts both distances."""
        pair = predicted.float(), reference.float()
        sums: dict[str, Tensor] = {self.norm: _sum(*pair, lengths_B, self.norm)}
        if not torch.is_grad_enabled():
            sums |= {other: _sum(*pair, lengths_B, other) for other in ("l1", "l2") if other not in sums}
        terms = {name: total.detach() for name, total in sums.items()}
        return Loss(sums[self.norm], lengths_B.sum(), terms)


def _sum(predicted: Tensor, reference: Tensor, lengths_B: Tensor, norm: str) -> Tensor:
    each = _each(predicted, reference, norm)
    each_BT = each if each.dim() == 2 else each.mean(-1)
    return each_BT.masked_fill(~length_mask(lengths_B, each_BT.shape[1]), 0.0).sum()


def _each(predicted: Tensor, reference: Tensor, norm: str) -> Tensor:
    if norm == "cross_entropy":
        white, black = (part.clamp(min=LEAST).log() for part in (predicted, 1 - predicted))
        return -(reference * white + (1 - reference) * black)
    difference = predicted - reference
    return difference.abs() if norm == "l1" else difference.square()
