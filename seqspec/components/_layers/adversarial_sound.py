"""What a generator of sound and its critic learn of one another, by least squares: Mao et al. (2017), "Least
Squares Generative Adversarial Networks", arXiv:1611.04076, and, of features, Larsen et al. (2016),
arXiv:1512.09300.
"""

# B batch, L samples

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

Critic = Callable[[Tensor], Sequence[Any]]
"""Gives an opinion a discriminator: a score and the features behind it."""


def critic_loss(critic: Critic, true_BL: Tensor, made_BL: Tensor) -> Tensor:
    """How far the critic is from 1 for the data and from 0 for what was made, summed over discriminators."""
    opinions = zip(critic(true_BL), critic(made_BL), strict=True)
    found = [(1 - true.score).square().mean() + made.score.square().mean() for true, made in opinions]
    return torch.stack(found).sum()


def generator_losses(critic: Critic, true_BL: Tensor, made_BL: Tensor) -> dict[str, Tensor]:
    """``adversarial``, how far the critic is from taking what was made for data, and ``features``, how unlike
    it looks inside.
    """
    with torch.no_grad():
        true = critic(true_BL)
    made = critic(made_BL)
    scores = [(1 - opinion.score).square().mean() for opinion in made]
    layers = ((t.features, m.features) for t, m in zip(true, made, strict=True))
    pairs = (pair for t, m in layers for pair in zip(t, m, strict=True))
    features = [(t - m).abs().mean() for t, m in pairs]
    return {"adversarial": torch.stack(scores).sum(), "features": torch.stack(features).sum()}
