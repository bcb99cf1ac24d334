"""Discriminators of VITS."""

# B batch, L samples

from __future__ import annotations

from itertools import pairwise

from torch import Tensor, nn

from seqspec.components._layers.weight_norm import weight_norm
from seqspec.components.critic.hifi_gan import Opinion, PeriodDiscriminator, read_layers
from seqspec.schema.critic.vits import VitsConfig
from seqspec.schema.types import Type

LAYERS = ((15, 1, False), (41, 4, True), (41, 4, True), (41, 4, True), (41, 4, True), (5, 1, False))
"""Kernel and stride of each convolution over the waveform, and whether it is grouped."""


class Vits(nn.Module):
    """``critic(wave_BL)`` gives an opinion a discriminator."""

    def __init__(self, config: VitsConfig, source: Type) -> None:
        super().__init__()
        self.of_waveform = _Scale(config.scale_channels)
        self.of_periods = nn.ModuleList(
            PeriodDiscriminator(p, config.period_channels) for p in config.periods
        )

    def forward(self, wave_BL: Tensor) -> list[Opinion]:
        return [self.of_waveform(wave_BL), *(period(wave_BL) for period in self.of_periods)]


class _Scale(nn.Module):
    def __init__(self, channels: list[int]) -> None:
        super().__init__()
        widths = pairwise([1, *channels])
        self.layers = nn.ModuleList(
            weight_norm(nn.Conv1d(a, b, kernel, stride, padding=kernel // 2, groups=a // 4 if grouped else 1))
            for (a, b), (kernel, stride, grouped) in zip(widths, LAYERS, strict=True)
        )
        self.exit = weight_norm(nn.Conv1d(channels[-1], 1, 3, padding=1))

    def forward(self, wave_BL: Tensor) -> Opinion:
        return read_layers(self.layers, self.exit, wave_BL[:, None])
