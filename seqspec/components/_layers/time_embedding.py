"""A time, or a step, as a vector of waves: Vaswani et al. (2017), arXiv:1706.03762, section 3.5."""

# B batch, D width

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

LONGEST = 10_000.0


def waves(time_B: Tensor, dim: int) -> Tensor:
    """``[B, dim]``: cosines, then sines, of wavelengths from 2π to 10,000 · 2π."""
    half = dim // 2
    rates = torch.exp(-math.log(LONGEST) * torch.arange(half, device=time_B.device) / half)
    angles_BD = time_B.float()[:, None] * rates
    return torch.cat([angles_BD.cos(), angles_BD.sin()], dim=1)


class TimeEmbedding(nn.Module):
    """Two layers over the waves of a time, plus the vector of a class; class ``classes`` stands for none."""

    def __init__(self, waves: int, dim: int, *, classes: int | None) -> None:
        super().__init__()
        self.waves = waves
        self.first, self.second = nn.Linear(waves, dim), nn.Linear(dim, dim)
        self.label = None if classes is None else nn.Embedding(classes + 1, dim)
        if self.label is not None:
            nn.init.normal_(self.label.weight, 0.0, 0.02)

    def forward(self, time_B: Tensor, classes_B: Tensor | None) -> Tensor:
        x_BD: Tensor = self.second(nn.functional.silu(self.first(waves(time_B, self.waves))))
        if self.label is not None:
            x_BD = x_BD + self.label(classes_B)
        return x_BD
