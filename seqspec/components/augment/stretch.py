"""Time and frequency of frames stretched by random factors, linear between frames and between bins."""

# T frames, D features, C channels, F bins

from __future__ import annotations

import torch
from torch import Tensor

from seqspec.schema.augment.stretch import StretchConfig
from seqspec.schema.types import Frames


class Stretch:
    """``augment(x_TD, generator)``; the number of frames changes with the speed."""

    def __init__(self, config: StretchConfig, source: Frames) -> None:
        self.channels = source.channels
        self.time = config.time
        self.bins = config.bins

    def __call__(self, x_TD: Tensor, generator: torch.Generator) -> Tensor:
        slower, higher = (1 + share * _even(generator) for share in (self.time, self.bins))
        if self.time and len(x_TD) > 1:
            frames = max(1, round(len(x_TD) * slower))
            x_TD = _between(x_TD, torch.linspace(0, len(x_TD) - 1, frames))
        if self.bins:
            bins = x_TD.shape[1] // self.channels
            x_TCF = x_TD.view(len(x_TD), self.channels, bins)
            x_TD = (x_TCF @ _reading(torch.arange(bins) / higher, bins)).flatten(1)
        return x_TD


def _even(generator: torch.Generator) -> float:
    """Evenly distributed from -1 to 1."""
    return 2 * float(torch.rand((), generator=generator)) - 1


def _between(x: Tensor, places: Tensor) -> Tensor:
    """``x`` read along its first dimension at fractional places; beyond the last place the last value
    holds.
    """
    last = len(x) - 1
    below = places.floor().long().clamp(0, max(last - 1, 0))
    share = (places - below).clamp(0, 1).reshape(-1, *[1] * (x.dim() - 1))
    above = (below + 1).clamp_(max=last)
    return torch.lerp(x.index_select(0, below), x.index_select(0, above), share)


def _reading(places: Tensor, size: int) -> Tensor:
    """The matrix whose product reads a row of ``size`` values at fractional places."""
    matrix = torch.eye(size)
    return _between(matrix, places).t()
