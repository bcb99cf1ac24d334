"""Rotary positions with a base and a scaling: Su et al. (2021), "RoFormer: Enhanced Transformer with Rotary
Position Embedding", arXiv:2104.09864, pairing the two halves of a head.
"""

# B batch, H heads, T time, E width of a head

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn

from seqspec.schema.layers.rotary import RotaryScaling


class Turns(NamedTuple):
    """``[T, E]`` each: cosines and sines of the angle of every feature at every position."""

    cos: Tensor
    sin: Tensor

    def __call__(self, x_BHTE: Tensor) -> Tensor:
        """``x`` turned."""
        first, second = x_BHTE.chunk(2, dim=-1)
        return x_BHTE * self.cos + torch.cat([-second, first], dim=-1) * self.sin

    def at(self, places_BK: Tensor) -> Turns:
        """``[B, 1, K, E]`` each: of some positions, other ones in each row."""
        return Turns(self.cos[places_BK][:, None], self.sin[places_BK][:, None])


class Rotary(nn.Module):
    """The angles of a stack of layers, worked out once a pass."""

    rates: Tensor

    def __init__(self, dim: int, *, base: float, scaling: RotaryScaling | None) -> None:
        super().__init__()
        rates, self.size = _scaled(dim, base, scaling)
        self.register_buffer("rates", rates, persistent=False)

    def forward(self, start: int, size: int) -> Turns:
        """Of ``size`` positions from ``start``."""
        places = torch.arange(start, start + size, device=self.rates.device, dtype=torch.float32)
        angles = torch.outer(places, self.rates.float())
        angles = torch.cat([angles, angles], dim=-1)
        return Turns(angles.cos() * self.size, angles.sin() * self.size)


def _scaled(dim: int, base: float, scaling: RotaryScaling | None) -> tuple[Tensor, float]:
    """``[dim / 2]`` angles a position, and what cosines and sines are multiplied by."""
    rates = 1.0 / base ** (torch.arange(0, dim, 2, dtype=torch.float32) / dim)
    if scaling is None:
        return rates, 1.0
    match scaling.method:
        case "linear":
            return rates / scaling.factor, 1.0
        case "llama3":
            return _llama3(rates, scaling), 1.0
        case "yarn":
            size = scaling.attention_factor or (
                0.1 * math.log(scaling.factor) + 1.0 if scaling.factor > 1 else 1.0
            )
            return _yarn(rates, scaling, dim=dim, base=base), size


def _llama3(rates: Tensor, scaling: RotaryScaling) -> Tensor:
    """Short waves as they are, long ones slowed down, a linear passage between."""
    assert scaling.original_length is not None
    assert scaling.low_frequency is not None
    assert scaling.high_frequency is not None
    turns = scaling.original_length * rates / (2 * math.pi)
    span = scaling.high_frequency - scaling.low_frequency
    kept = ((turns - scaling.low_frequency) / span).clamp(0, 1)
    return (1 - kept) * rates / scaling.factor + kept * rates


def _yarn(rates: Tensor, scaling: RotaryScaling, *, dim: int, base: float) -> Tensor:
    """Peng et al. (2023), section 3.2: a ramp over the pairs of features, in whole pairs."""
    low = max(math.floor(_pair(scaling.fast or 32.0, scaling, dim=dim, base=base)), 0)
    high = min(math.ceil(_pair(scaling.slow or 1.0, scaling, dim=dim, base=base)), dim - 1)
    width = high - low or 0.001
    slowed = ((torch.arange(dim // 2, dtype=torch.float32) - low) / width).clamp(0, 1)
    return slowed * rates / scaling.factor + (1 - slowed) * rates


def _pair(turns: float, scaling: RotaryScaling, *, dim: int, base: float) -> float:
    """The pair of features that turns so many times in the original length."""
    assert scaling.original_length is not None
    return dim * math.log(scaling.original_length / (turns * 2 * math.pi)) / (2 * math.log(base))
