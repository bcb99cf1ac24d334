"""Squared error of what a network says of noisy images."""

# B batch

from __future__ import annotations

import torch
from torch import Tensor, nn

from seqspec.components.loss._loss import Loss
from seqspec.schema import types
from seqspec.schema.loss.denoising import DenoisingConfig


class Denoising(nn.Module):
    """``criterion(given, wanted)``, both ``[B, …]``."""

    def __init__(self, config: DenoisingConfig, source: types.Denoising) -> None:
        super().__init__()

    def forward(self, given: Tensor, wanted: Tensor) -> Loss:
        error_B = (given.float() - wanted.float()).square().flatten(1).mean(1)
        return Loss(error_B.sum(), torch.tensor(len(error_B), device=error_B.device), {})
