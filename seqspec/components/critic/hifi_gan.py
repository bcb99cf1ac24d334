"""HiFi-GAN's discriminators of periods and of scales."""

# B batch, L samples, P period

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.parametrizations import spectral_norm

from seqspec.components._layers.weight_norm import weight_norm
from seqspec.schema.critic.hifi_gan import HifiGanConfig
from seqspec.schema.types import Type

SLOPE = 0.1
LAYERS = ((15, 1, 1), (41, 2, 4), (41, 2, 16), (41, 4, 16), (41, 4, 16), (41, 1, 16), (5, 1, 1))
"""Kernel, stride and groups of each convolution of a scale (table 6 of the paper's appendix)."""


class Opinion(NamedTuple):
    """What one discriminator says."""

    score: Tensor
    """``[B, …]``: 1 for data, 0 for what was made."""
    features: list[Tensor]
    """What each of its layers gives."""
    weight: float = 1.0
    """What it counts in sums over discriminators."""


class HifiGan(nn.Module):
    """``critic(wave_BL)`` gives an opinion a discriminator."""

    def __init__(self, config: HifiGanConfig, source: Type) -> None:
        super().__init__()
        channels = config.period_channels
        self.of_periods = nn.ModuleList(PeriodDiscriminator(p, channels) for p in config.periods)
        # The first scale sees the waveform itself and is held by spectral norm, the others by weight norm.
        norms: list[Callable[..., Any]] = [spectral_norm, *[weight_norm] * (config.num_scales - 1)]
        self.of_scales = nn.ModuleList(_Scale(config.scale_channels, norm=norm) for norm in norms)

    def forward(self, wave_BL: Tensor) -> list[Opinion]:
        found = [period(wave_BL) for period in self.of_periods]
        scaled_B1L = wave_BL[:, None]
        for number, scale in enumerate(self.of_scales):
            if number:
                scaled_B1L = functional.avg_pool1d(scaled_B1L, 4, 2, padding=2)
            found.append(scale(scaled_B1L))
        return found


class PeriodDiscriminator(nn.Module):
    """The waveform folded, so that samples one period apart stand in a column."""

    def __init__(self, period: int, channels: list[int]) -> None:
        super().__init__()
        self.period = period
        widths = list(pairwise([1, *channels]))
        strides = [3] * (len(widths) - 1) + [1]
        self.layers = nn.ModuleList(
            weight_norm(nn.Conv2d(a, b, (5, 1), (stride, 1), padding=(2, 0)))
            for (a, b), stride in zip(widths, strides, strict=True)
        )
        self.exit = weight_norm(nn.Conv2d(channels[-1], 1, (3, 1), padding=(1, 0)))

    def forward(self, wave_BL: Tensor) -> Opinion:
        missing = -wave_BL.shape[1] % self.period
        if missing:
            # A recording shorter than what is missing cannot be reflected; silence does as well.
            mode = "reflect" if missing < wave_BL.shape[1] else "constant"
            wave_BL = functional.pad(wave_BL[:, None], (0, missing), mode=mode)[:, 0]
        return read_layers(self.layers, self.exit, wave_BL.view(len(wave_BL), 1, -1, self.period))


class _Scale(nn.Module):
    def __init__(self, channels: list[int], *, norm: Callable[..., Any]) -> None:
        super().__init__()
        widths = pairwise([1, *channels])
        self.layers = nn.ModuleList(
            norm(nn.Conv1d(a, b, kernel, stride, padding=kernel // 2, groups=groups))
            for (a, b), (kernel, stride, groups) in zip(widths, LAYERS, strict=True)
        )
        self.exit = norm(nn.Conv1d(channels[-1], 1, 3, padding=1))

    def forward(self, wave_B1L: Tensor) -> Opinion:
        return read_layers(self.layers, self.exit, wave_B1L)


def read_layers(layers: nn.ModuleList, exit: nn.Module, x: Tensor) -> Opinion:
    """The opinion of a stack of convolutions, and what each of them gives."""
    features = []
    for layer in layers:
        x = functional.leaky_relu(layer(x), SLOPE)
        features.append(x)
    x = exit(x)
    features.append(x)
    return Opinion(torch.flatten(x, 1), features)
