"""Weights divided by their largest singular value: Miyato et al. (2018), "Spectral Normalization for
Generative Adversarial Networks", arXiv:1802.05957, algorithm 1.

The vectors of the power iteration are buffers, so that a checkpoint holds them; they take one step in each
forward pass of training.
"""

from __future__ import annotations

from torch import nn
from torch.nn.utils import parametrizations


def normalised(layer: nn.Module, how: str) -> nn.Module:
    """The layer, its weight normalised where ``how`` is ``spectral``."""
    return parametrizations.spectral_norm(layer) if how == "spectral" else layer
