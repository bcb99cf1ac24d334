"""Monotonic rational-quadratic splines: Durkan et al. (2019), "Neural Spline Flows", NeurIPS,
arXiv:1906.04032, section 3.1 and appendix A.
"""

# K bins

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

LEAST = 1e-3
"""Least width, height and derivative, so that no bin degenerates."""


class Mapped(NamedTuple):
    """What became of numbers."""

    values: Tensor
    log_derivative: Tensor
    """Logarithm of the derivative at each."""


def spline(x: Tensor, raw: Tensor, *, bound: float, inverse: bool = False) -> Mapped:
    """Maps each number of ``x`` by a spline of its own on [-bound, bound], and by the identity outside.

    ``raw`` ``[..., 3 K - 1]`` holds for each number K widths and K heights before their softmax, and the K -
    1 inner derivatives before their softplus; at the ends the derivative is 1.
    """
    bins = (raw.shape[-1] + 1) // 3
    x_edges, y_edges = (_edges(one, bound) for one in (raw[..., :bins], raw[..., bins : 2 * bins]))
    slopes = functional.pad(LEAST + functional.softplus(raw[..., 2 * bins :]), (1, 1), value=1.0)
    inside = (x >= -bound) & (x <= bound)
    given = x.clamp(-bound, bound)
    inner = (y_edges if inverse else x_edges)[..., 1:-1]
    index = (given[..., None] >= inner).sum(-1, keepdim=True)
    piece = _Piece(
        x=_at(x_edges, index), y=_at(y_edges, index), slope=_at(slopes, index),
        x_end=_at(x_edges, index + 1), y_end=_at(y_edges, index + 1), slope_end=_at(slopes, index + 1),
    )  # fmt: skip
    share = piece.share_of(given) if inverse else (given - piece.x) / (piece.x_end - piece.x)
    values = piece.x + share * (piece.x_end - piece.x) if inverse else piece.value(share)
    log_derivative = piece.log_derivative(share)
    return Mapped(
        torch.where(inside, values, x),
        torch.where(inside, -log_derivative if inverse else log_derivative, torch.zeros_like(x)),
    )


class _Piece(NamedTuple):
    """One bin: where it begins, where it ends, and the derivatives there."""

    x: Tensor
    y: Tensor
    slope: Tensor
    x_end: Tensor
    y_end: Tensor
    slope_end: Tensor

    @property
    def rise(self) -> Tensor:
        """Height over width."""
        return (self.y_end - self.y) / (self.x_end - self.x)

    @property
    def bend(self) -> Tensor:
        """How far both derivatives are above the rise."""
        return self.slope + self.slope_end - 2 * self.rise

    def value(self, share: Tensor) -> Tensor:
        """Equation 4, at that share of the width."""
        middle = share * (1 - share)
        above = (self.y_end - self.y) * (self.rise * share.square() + self.slope * middle)
        return self.y + above / (self.rise + self.bend * middle)

    def log_derivative(self, share: Tensor) -> Tensor:
        """Equation 5."""
        middle = share * (1 - share)
        above = self.slope_end * share.square() + 2 * self.rise * middle + self.slope * (1 - share).square()
        return 2 * self.rise.log() + above.log() - 2 * (self.rise + self.bend * middle).log()

    def share_of(self, y: Tensor) -> Tensor:
        """Equations 6 to 8: the root of the quadratic that lies in the bin."""
        height, up = self.y_end - self.y, y - self.y
        a = height * (self.rise - self.slope) + up * self.bend
        b = height * self.slope - up * self.bend
        c = -self.rise * up
        root = (b.square() - 4 * a * c).clamp_min(0).sqrt()
        return 2 * c / (-b - root)


def _edges(raw: Tensor, bound: float) -> Tensor:
    """``[..., K + 1]``: the ends of the bins, from -bound to bound."""
    bins = raw.shape[-1]
    sizes = LEAST + (1 - LEAST * bins) * raw.softmax(-1)
    inner = 2 * bound * sizes.cumsum(-1)[..., :-1] - bound
    first, last = (torch.full_like(raw[..., :1], sign * bound) for sign in (-1, 1))
    return torch.cat([first, inner, last], dim=-1)


def _at(values: Tensor, index: Tensor) -> Tensor:
    return values.gather(-1, index).squeeze(-1)
