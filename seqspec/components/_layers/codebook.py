"""A table of codes that follow what is assigned to them: van den Oord et al. (2017), "Neural Discrete
Representation Learning", arXiv:1711.00937, appendix A.1, equations 6 to 8.

Counts begin at 1 with the codes as sums; where they begin at 0, one step moves every unused code towards
nothing and most of the table dies.  All of it is buffers, so that a checkpoint holds it.
"""

# B batch, N vectors, K codes, D width, H height, W width

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from seqspec.components._layers.batch_norm import of_every_process

EPSILON = 1e-5
"""Smoothing of the counts."""


class Quantized(NamedTuple):
    """A map of codes."""

    codes_BDHW: Tensor
    """The codes' vectors; their gradient goes straight to what was encoded."""
    distance_B: Tensor
    """Mean squared distance of an example's vectors from their codes."""
    index_BHW: Tensor
    """The number of each code."""


class Codebook(nn.Module):
    """``[B, D, H, W]`` gives ``Quantized``; while training, codes follow."""

    vectors_KD: Tensor
    counts_K: Tensor
    sums_KD: Tensor

    def __init__(self, codes: int, dim: int, *, decay: float, revive_below: float) -> None:
        super().__init__()
        self.decay, self.revive_below = decay, revive_below
        self.register_buffer("vectors_KD", torch.randn(codes, dim))
        self.register_buffer("counts_K", torch.ones(codes))
        self.register_buffer("sums_KD", self.vectors_KD.clone())

    def forward(self, x_BDHW: Tensor) -> Quantized:
        x_NDs = x_BDHW.permute(0, 2, 3, 1)
        x_ND = x_NDs.flatten(0, 2).float()
        with torch.autocast(x_ND.device.type, enabled=False):  # Sums and distances need float32.
            index_N = self._nearest(x_ND.detach())
            codes_BDHW = self.vectors_KD[index_N].view(x_NDs.shape).permute(0, 3, 1, 2)
            if self.training:
                self._follow(x_ND.detach(), index_N)
        distance_B = (x_BDHW.float() - codes_BDHW).square().flatten(1).mean(1)
        straight_BDHW = x_BDHW + (codes_BDHW - x_BDHW).detach()
        return Quantized(straight_BDHW, distance_B, index_N.view(x_NDs.shape[:3]))

    def vectors(self, index_BHW: Tensor) -> Tensor:
        """``[B, D, H, W]``: the codes of these numbers."""
        return self.vectors_KD[index_BHW].permute(0, 3, 1, 2)

    def _nearest(self, x_ND: Tensor) -> Tensor:
        squares_K = self.vectors_KD.square().sum(1)
        return (squares_K - 2 * x_ND @ self.vectors_KD.T).argmin(1)

    @torch.no_grad()
    def _follow(self, x_ND: Tensor, index_N: Tensor) -> None:
        """Running counts and sums over all processes; codes are copied, so that the graph keeps the old."""
        one_NK = nn.functional.one_hot(index_N, len(self.vectors_KD)).to(x_ND.dtype)
        counts_K = torch.stack(of_every_process(one_NK.sum(0))).sum(0)
        sums_KD = torch.stack(of_every_process(one_NK.T @ x_ND)).sum(0)
        self.counts_K = torch.lerp(self.counts_K, counts_K, 1 - self.decay)
        self.sums_KD = torch.lerp(self.sums_KD, sums_KD, 1 - self.decay)
        total = self.counts_K.sum()
        smooth_K = (self.counts_K + EPSILON) / (total + len(self.counts_K) * EPSILON) * total
        self.vectors_KD = self.sums_KD / smooth_K[:, None]
        if self.revive_below:
            self._revive(x_ND)

    def _revive(self, x_ND: Tensor) -> None:
        """Codes that are used too little become vectors of the first process's batch."""
        x_ND = of_every_process(x_ND)[0]
        chosen_K = of_every_process(torch.randint(len(x_ND), self.counts_K.shape, device=x_ND.device))[0]
        dead_K1 = (self.counts_K < self.revive_below)[:, None]
        self.vectors_KD = torch.where(dead_K1, x_ND[chosen_K], self.vectors_KD)
        self.counts_K = self.counts_K.masked_fill(dead_K1[:, 0], max(self.revive_below, 1.0))
        self.sums_KD = torch.where(dead_K1, self.vectors_KD * self.counts_K[:, None], self.sums_KD)
