"""Noise at a signal-to-noise ratio."""

# L samples, F points of a spectrum

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from seqspec.components.augment._waveform import Recordings, WaveformAugment, decibels, power, within
from seqspec.schema.augment.noise import NoiseConfig
from seqspec.schema.types import Waveform


class Noise(WaveformAugment):
    """``augment(x_L, generator)``; the ratio is exact over the whole recording."""

    def __init__(self, config: NoiseConfig, source: Waveform) -> None:
        super().__init__(config, source)
        self.snr, self.pink = config.snr, config.color == "pink"
        if config.folder is not None:
            self.folder = Recordings(config.folder, rate=source.rate, what="noise")

    def change(self, x_L: Tensor, generator: torch.Generator) -> Tensor:
        ratio = within(self.snr, generator)
        noise_L = self._noise(len(x_L), generator)
        speech, beside = power(x_L.numpy()), power(noise_L)
        if not speech or not beside:
            return x_L
        factor = np.sqrt(speech / beside) / decibels(ratio)
        return x_L + torch.from_numpy((noise_L * factor).astype(np.float32))

    def _noise(self, size: int, generator: torch.Generator) -> np.ndarray:
        if self.folder is not None:
            return self.folder.piece(size, generator)
        white_L = torch.randn(size, generator=generator, dtype=torch.float64).numpy()
        return _pink(white_L) if self.pink else white_L


def _pink(white_L: np.ndarray) -> np.ndarray:
    """Power that falls as 1 / f, without a mean."""
    spectrum_F = np.fft.rfft(white_L)
    place_F = np.arange(len(spectrum_F), dtype=np.float64)
    spectrum_F[1:] /= np.sqrt(place_F[1:])
    spectrum_F[0] = 0.0
    return np.fft.irfft(spectrum_F, len(white_L))
