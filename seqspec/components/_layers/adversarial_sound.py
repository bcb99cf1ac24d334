"""What a generator of sound and its critic learn of one another: by least squares, Mao et al. (2017), "Least
Squares Generative Adversarial Networks", arXiv:1611.04076, or by hinges where the critic says so, Lim and Ye
(2017), "Geometric GAN", arXiv:1705.02894; and, of features, Larsen et al. (2016), arXiv:1512.09300.
"""

# B batch, L samples

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

Critic = Callable[[Tensor], Sequence[Any]]
"""Gives an opinion a discriminator: a score and the features behind it, and what they count."""


def critic_loss(critic: Critic, true_BL: Tensor, made_BL: Tensor) -> Tensor:
    """How far the critic is from 1 for the data and from 0 (of hinges -1) for what was made, summed over
    discriminators.
    """
    opinions = zip(critic(true_BL), critic(made_BL), strict=True)
    if _hinge(critic):
        found = [
            _weighed(t.weight, (1 - t.score).clamp_min(0).mean() + (1 + m.score).clamp_min(0).mean())
            for t, m in opinions
        ]
    else:
        found = [
            _weighed(t.weight, (1 - t.score).square().mean() + m.score.square().mean()) for t, m in opinions
        ]
    return torch.stack(found).sum()


def generator_losses(critic: Critic, true_BL: Tensor, made_BL: Tensor) -> dict[str, Tensor]:
    """``adversarial``, how far the critic is from taking what was made for data, and ``features``, how unlike
    it looks inside.
    """
    with torch.no_grad():
        true = critic(true_BL)
    made = critic(made_BL)
    scores = [_weighed(m.weight, _distance(m.score, hinge=_hinge(critic))) for m in made]
    features = [
        _weighed(m.weight, (one - other).abs().mean())
        for t, m in zip(true, made, strict=True)
        for one, other in zip(t.features, m.features, strict=True)
    ]
    return {"adversarial": torch.stack(scores).sum(), "features": torch.stack(features).sum()}


def _weighed(weight: float, loss: Tensor) -> Tensor:
    return loss if weight == 1 else weight * loss


def _distance(score: Tensor, *, hinge: bool) -> Tensor:
    """From 1, on either side or from below."""
    return (1 - score).clamp_min(0).mean() if hinge else (1 - score).square().mean()


def _hinge(critic: Critic) -> bool:
    return bool(getattr(critic, "hinge", False))
