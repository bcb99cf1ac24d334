"""Where a token stands: sinusoids, learned vectors, rotations, and biases that depend on distance."""

# B batch, T time, D width, H heads, Q queries, K keys

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn

from seqspec.components._layers.linear import once


def sinusoids(start: int, size: int, *, dim: int, device: torch.device, to_half: bool = False) -> Tensor:
    """``[size, dim]`` from position ``start``: sines in the first half, cosines in the second.

    Vaswani et al. (2017), "Attention Is All You Need", section 3.5, with the sines and cosines side by side
    as in Tensor2Tensor; an odd width ends with a zero.  ``to_half``: the slowest rate is one step short of
    1/10,000, as the paper's formula has it; otherwise the last has it.
    """
    half = dim // 2
    rates = torch.exp(
        torch.arange(half, device=device) * (-math.log(1e4) / max(half if to_half else half - 1, 1))
    )
    angles = torch.arange(start, start + size, device=device)[:, None] * rates
    table = torch.cat([angles.sin(), angles.cos()], dim=1)
    return nn.functional.pad(table, (0, dim % 2))


def rotate(x_BHTD: Tensor, *, start: int) -> Tensor:
    """Turns pairs of features by angles that grow with the position.

    Su et al. (2021), "RoFormer: Enhanced Transformer with Rotary Position Embedding", arXiv:2104.09864,
    pairing the two halves.
    """
    return turned(x_BHTD, turns(x_BHTD, start=start))


class Turns(NamedTuple):
    """Cosines and sines of the angles of some positions: ``[T, D / 2]`` each."""

    cos: Tensor
    sin: Tensor


def turns(x_BHTD: Tensor, *, start: int) -> Turns:
    """What ``rotate`` turns ``x`` by, and anything else of its shape, type and place; that of a single
    position is kept for the layers and searches to come.
    """
    size, dim = x_BHTD.shape[-2:]
    half, device, dtype = dim // 2, x_BHTD.device, x_BHTD.dtype

    def made() -> Turns:
        rates = torch.exp(torch.arange(half, device=device) * (-math.log(1e4) / half))
        angles = torch.arange(start, start + size, device=device)[:, None] * rates
        return Turns(angles.cos().to(dtype), angles.sin().to(dtype))

    return once(("turns", start, half, device, dtype), made) if size == 1 else made()


def turned(x_BHTD: Tensor, by: Turns) -> Tensor:
    """``rotate`` by angles that are known."""
    half = x_BHTD.shape[-1] // 2
    first, second = x_BHTD[..., :half], x_BHTD[..., half : 2 * half]
    parts = [first * by.cos - second * by.sin, second * by.cos + first * by.sin, x_BHTD[..., 2 * half :]]
    return torch.cat(parts, dim=-1)


class RelativeBias(nn.Module):
    """One learned number a head and distance bucket, added to attention scores.

    Raffel et al. (2020), "Exploring the Limits of Transfer Learning with a Unified Text-to-Text Transformer",
    JMLR 21, section 2.1: half of the buckets for exact small distances, half growing logarithmically up to
    ``farthest``.
    """

    def __init__(self, num_heads: int, *, causal: bool, num_buckets: int = 32, farthest: int = 128) -> None:
        super().__init__()
        self.causal = causal
        self.num_buckets = num_buckets
        self.farthest = farthest
        self.weight = nn.Parameter(torch.zeros(num_buckets, num_heads))

    def forward(self, queries: int, keys: int) -> Tensor:
        """``[1, H, Q, K]``; the last query stands at the last key where there are fewer queries."""
        device = self.weight.device
        places = torch.arange(keys - queries, keys, device=device)
        distance = torch.arange(keys, device=device)[None, :] - places[:, None]
        return self.weight[self.bucket(distance)].permute(2, 0, 1)[None]

    def bucket(self, distance: Tensor) -> Tensor:
        """The bucket of key position minus query position."""
        count = self.num_buckets
        if self.causal:
            offset: Tensor | int = 0
            size = (-distance).clamp(min=0)
        else:
            count //= 2
            offset = (distance > 0).long() * count
            size = distance.abs()
        exact = count // 2
        far = torch.log(size.clamp(min=1) / exact) / math.log(self.farthest / exact) * (count - exact)
        return offset + torch.where(size < exact, size, (exact + far.long()).clamp(max=count - 1))


def slopes(num_heads: int, *, device: torch.device) -> Tensor:
    """``[H]``: how fast each head's attention falls with distance.

    Press et al. (2022), "Train Short, Test Long: Attention with Linear Biases Enables Input Length
    Extrapolation", arXiv:2108.12409.
    """
    return torch.exp2(-8.0 * torch.arange(1, num_heads + 1, device=device) / num_heads)


def linear_bias(queries: int, keys: int, *, num_heads: int, device: torch.device) -> Tensor:
    """``[1, H, Q, K]``: minus slope times distance, for both directions."""
    places = torch.arange(keys - queries, keys, device=device)
    distance = (torch.arange(keys, device=device)[None, :] - places[:, None]).abs()
    return -(slopes(num_heads, device=device)[:, None, None] * distance)[None]
