"""Flows over the durations of tokens: Kim et al. (2021), arXiv:2106.06103, section 2.2.2 and appendix B.4.

Two numbers a token; every flow gives its logarithmic Jacobian determinant, summed over the tokens of an
example.
"""

# B batch, C two numbers a token, D width, N tokens

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from seqspec.components._layers.dropout import Dropout
from seqspec.components._layers.rational_quadratic_spline import spline


class Flowed(NamedTuple):
    """What a flow gives."""

    x_BCN: Tensor
    log_determinant_B: Tensor


class Affine(nn.Module):
    """Scales and shifts both numbers, by what is the same for all tokens."""

    def __init__(self) -> None:
        super().__init__()
        self.shift_C1, self.log_scale_C1 = (nn.Parameter(torch.zeros(2, 1)) for _ in range(2))

    def forward(self, x_BCN: Tensor, mask_B1N: Tensor, told_BDN: Tensor) -> Flowed:
        y_BCN = (self.shift_C1 + self.log_scale_C1.exp() * x_BCN) * mask_B1N
        return Flowed(y_BCN, (self.log_scale_C1 * mask_B1N).sum((1, 2)))

    def inverse(self, x_BCN: Tensor, mask_B1N: Tensor, told_BDN: Tensor) -> Tensor:
        """What ``forward`` makes ``x_BCN`` of."""
        return (x_BCN - self.shift_C1) * (-self.log_scale_C1).exp() * mask_B1N


class SplineCoupling(nn.Module):
    """Maps the second number by a spline that the first decides, then exchanges the two."""

    def __init__(self, dim: int, *, kernel: int, num_layers: int, num_bins: int, bound: float) -> None:
        super().__init__()
        self.bins, self.bound, self.scale = num_bins, bound, dim**-0.5
        self.entry = nn.Conv1d(1, dim, 1)
        self.body = SeparableConvolutions(dim, kernel=kernel, num_layers=num_layers, dropout=0.0)
        self.exit = nn.Conv1d(dim, 3 * num_bins - 1, 1)
        nn.init.zeros_(self.exit.weight)
        assert self.exit.bias is not None
        nn.init.zeros_(self.exit.bias)

    def forward(self, x_BCN: Tensor, mask_B1N: Tensor, told_BDN: Tensor) -> Flowed:
        kept, moved = x_BCN.chunk(2, dim=1)
        values, log_derivative = spline(
            moved.squeeze(1), self._raw(kept, mask_B1N, told_BDN), bound=self.bound
        )
        y_BCN = torch.cat([values[:, None], kept], dim=1) * mask_B1N
        return Flowed(y_BCN, (log_derivative * mask_B1N.squeeze(1)).sum(1))

    def inverse(self, x_BCN: Tensor, mask_B1N: Tensor, told_BDN: Tensor) -> Tensor:
        """What ``forward`` makes ``x_BCN`` of."""
        moved, kept = x_BCN.chunk(2, dim=1)
        raw = self._raw(kept, mask_B1N, told_BDN)
        values, _ = spline(moved.squeeze(1), raw, bound=self.bound, inverse=True)
        return torch.cat([kept, values[:, None]], dim=1) * mask_B1N

    def _raw(self, kept_B1N: Tensor, mask_B1N: Tensor, told_BDN: Tensor) -> Tensor:
        """``[B, N, 3 K - 1]``: the spline of each token; widths and heights grow with the width's root."""
        raw = self.exit(self.body(self.entry(kept_B1N) + told_BDN, mask_B1N)) * mask_B1N
        raw = raw.transpose(1, 2)
        sizes, slopes = raw[..., : 2 * self.bins] * self.scale, raw[..., 2 * self.bins :]
        return torch.cat([sizes, slopes], dim=-1)


class SeparableConvolutions(nn.Module):
    """Residual layers: a dilated convolution of each feature alone, then one across features."""

    def __init__(self, dim: int, *, kernel: int, num_layers: int, dropout: float) -> None:
        super().__init__()
        self.apart, self.across = nn.ModuleList(), nn.ModuleList()
        for number in range(num_layers):
            dilation = kernel**number
            padding = (kernel - 1) * dilation // 2
            self.apart.append(nn.Conv1d(dim, dim, kernel, groups=dim, dilation=dilation, padding=padding))
            self.across.append(nn.Conv1d(dim, dim, 1))
        self.first_norms, self.second_norms = (
            nn.ModuleList(nn.LayerNorm(dim) for _ in range(num_layers)) for _ in range(2)
        )
        self.dropout = Dropout(dropout)

    def forward(self, x_BDN: Tensor, mask_B1N: Tensor) -> Tensor:
        layers = zip(self.apart, self.first_norms, self.across, self.second_norms, strict=True)
        for apart, first_norm, across, second_norm in layers:
            y_BDN = functional.gelu(_over_features(first_norm, apart(x_BDN * mask_B1N)))
            y_BDN = functional.gelu(_over_features(second_norm, across(y_BDN)))
            x_BDN = x_BDN + self.dropout(y_BDN)
        return x_BDN * mask_B1N


def _over_features(norm: nn.Module, x_BDN: Tensor) -> Tensor:
    given: Tensor = norm(x_BDN.transpose(1, 2)).transpose(1, 2)
    return given
