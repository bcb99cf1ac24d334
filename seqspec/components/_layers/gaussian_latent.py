"""A latent vector with a normal posterior of independent features, and a standard normal prior."""

# B batch, Z latent features

from __future__ import annotations

import math

import torch
from torch import Tensor

from seqspec.components.outputs import Posterior


def sampled(posterior: Posterior) -> Tensor:
    """``[B, Z]``: one sample for each example, through which gradients reach both moments."""
    noise_BZ = torch.randn_like(posterior.mean_BZ)
    return posterior.mean_BZ + (0.5 * posterior.log_variance_BZ).exp() * noise_BZ


def log_ratio(latent_BZ: Tensor, posterior: Posterior) -> Tensor:
    """``[B]``: log p(z) - log q(z), which an importance-weighted bound weighs samples by."""
    return (_log_normal(latent_BZ) - _log_density(latent_BZ, posterior)).sum(1)


def _log_normal(x_BZ: Tensor) -> Tensor:
    return -0.5 * (x_BZ.square() + math.log(2 * math.pi))


def _log_density(x_BZ: Tensor, posterior: Posterior) -> Tensor:
    log_variance_BZ = posterior.log_variance_BZ
    off_BZ = (x_BZ - posterior.mean_BZ).square() * (-log_variance_BZ).exp()
    return -0.5 * (off_BZ + log_variance_BZ + math.log(2 * math.pi))
