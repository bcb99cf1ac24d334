"""Whisper's log-mel frames, in torch."""

# L samples, T frames, M mel filters

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional

from seqspec.components._layers.mel import mel_filters, spectrum
from seqspec.schema.feature.whisper import FFT, HOP, MEL, RATE, WhisperConfig
from seqspec.schema.types import Waveform

if TYPE_CHECKING:
    import numpy as np

RANGE = 8.0
"""Powers of ten that are told apart below the largest energy of a recording."""


class Whisper:
    """``features(samples)`` gives ``[T, M]`` float32; deterministic, so it may be cached."""

    def __init__(self, config: WhisperConfig, source: Waveform) -> None:
        self.num_bins = config.num_bins
        self.most = round(config.max_seconds * RATE / HOP) * HOP

    def num_frames(self, num_samples: int) -> int:
        """Frames up to the first that sees no sample, no more than there is time for; none of none."""
        heard = min(num_samples, self.most)
        return min(-(-(heard + FFT // 2) // HOP) + 1, self.most // HOP) if heard else 0

    def __call__(self, samples: np.ndarray) -> Tensor:
        count = self.num_frames(len(samples))
        if not count:
            return torch.empty(0, self.num_bins)
        wave_L = torch.from_numpy(samples if samples.flags.writeable else samples.copy()).float()[: self.most]
        # Silence that reaches beyond the last window, or to the end of the time, which is mirrored.
        size = min(count * HOP + 2 * FFT, self.most)
        complex_FT = spectrum(functional.pad(wave_L, (0, size - len(wave_L)))[None], MEL)[0, :, :count]
        power_TF = (complex_FT.real.square() + complex_FT.imag.square()).T
        x_TM = (power_TF @ mel_filters(MEL, self.num_bins)).clamp_min(MEL.floor).log10()
        return ((x_TM.maximum(x_TM.max() - RANGE) + 4.0) / 4.0).contiguous()
