"""Discriminators of Vocos."""

# B batch, L samples, F points of the spectrum, T frames, C channels

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from seqspec.components._layers.weight_norm import weight_norm
from seqspec.components.critic.hifi_gan import SLOPE, Opinion, PeriodDiscriminator
from seqspec.schema.critic.vocos import VocosConfig
from seqspec.schema.types import Type

BANDS = ((0.0, 0.1), (0.1, 0.25), (0.25, 0.5), (0.5, 0.75), (0.75, 1.0))
"""Shares of the spectrum that have convolutions of their own."""
LAYERS = (((3, 9), (1, 1)), ((3, 9), (1, 2)), ((3, 9), (1, 2)), ((3, 9), (1, 2)), ((3, 3), (1, 1)))
"""Kernel and stride of each, over frames and points."""
LEVEL = 0.8
"""Peak that a waveform is brought to before its spectrum is taken."""


class Vocos(nn.Module):
    """``critic(wave_BL)`` gives an opinion a discriminator."""

    hinge = True

    def __init__(self, config: VocosConfig, source: Type) -> None:
        super().__init__()
        self.of_periods = nn.ModuleList(
            PeriodDiscriminator(p, config.period_channels) for p in config.periods
        )
        self.of_spectra = nn.ModuleList(
            _Spectrum(points, config.spectrum_channels) for points in config.fft_samples
        )
        self.weights = (1 / len(config.periods), config.spectrum_weight / len(config.fft_samples))

    def forward(self, wave_BL: Tensor) -> list[Opinion]:
        of_period, of_spectrum = self.weights
        return [
            *(one(wave_BL)._replace(weight=of_period) for one in self.of_periods),
            *(one(wave_BL)._replace(weight=of_spectrum) for one in self.of_spectra),
        ]


class _Spectrum(nn.Module):
    """Convolutions over real and imaginary parts, those of each band apart; the last sees all of them."""

    window_W: Tensor

    def __init__(self, points: int, channels: int) -> None:
        super().__init__()
        size = points // 2 + 1
        self.points, self.bands = points, [(int(low * size), int(high * size)) for low, high in BANDS]
        self.layers = nn.ModuleList(_band(channels) for _ in BANDS)
        self.exit = weight_norm(nn.Conv2d(channels, 1, (3, 3), padding=(1, 1)))
        self.register_buffer("window_W", torch.hann_window(points), persistent=False)

    def forward(self, wave_BL: Tensor) -> Opinion:
        x_BCTF, features, ends = self._spectrum(wave_BL), [], []
        for (low, high), layers in zip(self.bands, self.layers, strict=True):
            band = x_BCTF[..., low:high]
            assert isinstance(layers, nn.ModuleList)
            for number, layer in enumerate(layers):
                band = functional.leaky_relu(layer(band), SLOPE)
                if number:
                    features.append(band)
            ends.append(band)
        score = self.exit(torch.cat(ends, dim=-1))
        return Opinion(torch.flatten(score, 1), [*features, score])

    def _spectrum(self, wave_BL: Tensor) -> Tensor:
        """``[B, 2, T, F]``: without offset, and as loud as any other."""
        wave_BL = wave_BL.float() - wave_BL.float().mean(1, keepdim=True)
        wave_BL = LEVEL * wave_BL / (wave_BL.abs().amax(1, keepdim=True) + 1e-9)
        ends = self.points // 2
        # A piece shorter than half a window cannot be reflected; silence does as well.
        mode = "reflect" if wave_BL.shape[1] > ends else "constant"
        padded_BL = functional.pad(wave_BL[:, None], (ends, ends), mode=mode)[:, 0]
        spectrum_BFT = torch.stft(
            padded_BL, self.points, self.points // 4, window=self.window_W, center=False, return_complex=True
        )
        return torch.view_as_real(spectrum_BFT).permute(0, 3, 2, 1)


def _band(channels: int) -> nn.ModuleList:
    return nn.ModuleList(
        weight_norm(
            nn.Conv2d(
                channels if number else 2, channels, kernel, stride, padding=(kernel[0] // 2, kernel[1] // 2)
            )
        )
        for number, (kernel, stride) in enumerate(LAYERS)
    )
