"""YIN: the smallest shift at which a frame is like itself."""

# L samples, T frames, W samples of a window, K shifts

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional

from seqspec.components._layers.mel import num_frames
from seqspec.schema.feature.pitch import PitchConfig
from seqspec.schema.types import Waveform

if TYPE_CHECKING:
    import numpy as np


class Pitch:
    """``features(samples)`` gives ``[frames, 1]`` float32."""

    def __init__(self, config: PitchConfig, source: Waveform) -> None:
        self.rate, self.threshold = source.rate, config.threshold
        self.least = max(2, int(source.rate / config.high_hz))
        self.most = math.ceil(source.rate / config.low_hz) + 1
        self.window, self.fft, self.hop = config.window_samples, config.fft_samples, config.hop_samples
        self.padding, self.log = config.padding, config.scale == "log"
        self.mean, self.deviation = config.mean, config.deviation

    def num_frames(self, num_samples: int) -> int:
        """Frames of so many samples."""
        return num_frames(num_samples, fft=self.fft, hop=self.hop, padding=self.padding)

    def __call__(self, samples: np.ndarray) -> Tensor:
        count = self.num_frames(len(samples))
        if not count:
            return torch.empty(0, 1)
        wave_L = torch.from_numpy(samples if samples.flags.writeable else samples.copy()).double()
        hertz_T = self._hertz(self._frames(wave_L, count))
        voiced_T = hertz_T > 0
        value_T = hertz_T.clamp_min(1.0).log() if self.log else hertz_T
        value_T = torch.where(voiced_T, (value_T - self.mean) / self.deviation, torch.zeros_like(value_T))
        return value_T.float()[:, None]

    def _frames(self, wave_L: Tensor, count: int) -> Tensor:
        """``[T, W + K]``: the samples around the middle of each frame, zeros beyond the ends."""
        middle = {"center": 0, "same": self.hop // 2, "none": self.fft // 2}[self.padding]
        width = self.window + self.most
        before = max(0, width // 2 - middle)
        padded = functional.pad(wave_L, (before, width + count * self.hop))
        start = middle - width // 2 + before
        return padded[start:].unfold(0, width, self.hop)[:count]

    def _hertz(self, x_TW: Tensor) -> Tensor:
        """0 where no shift is like enough."""
        difference_TK = self._difference(x_TW)
        sums_TK = difference_TK[:, 1:].cumsum(1)
        shifts_K = torch.arange(1, self.most + 1, dtype=x_TW.dtype)
        normalised_TK = difference_TK[:, 1:] * shifts_K / sums_TK.clamp_min(1e-12)
        inner = normalised_TK[:, self.least - 1 :]
        here = inner[:, 1:-1]
        dip = (here < self.threshold) & (here <= inner[:, :-2]) & (here < inner[:, 2:])
        voiced_T = dip.any(1) & (sums_TK[:, -1] > 1e-9)
        place_T1 = dip.int().argmax(1, keepdim=True)
        low, middle, high = (inner.gather(1, place_T1 + k).squeeze(1) for k in range(3))
        bend = (low - 2 * middle + high).clamp_min(1e-12)
        shift_T = self.least + 1 + place_T1.squeeze(1) + 0.5 * (low - high) / bend
        return torch.where(voiced_T, self.rate / shift_T, torch.zeros_like(shift_T))

    def _difference(self, x_TW: Tensor) -> Tensor:
        """``[T, K + 1]``: Σ (x[j] − x[j + k])² over the window, equation 6, by transforms."""
        points = 1 << (x_TW.shape[1] + self.window).bit_length()
        spectrum = torch.fft.rfft(x_TW, points)
        first = torch.fft.rfft(x_TW[:, : self.window], points)
        product = torch.fft.irfft(spectrum * first.conj(), points)[:, : self.most + 1]
        energy = functional.pad(x_TW.square().cumsum(1), (1, 0))
        moved = energy[:, self.window : self.window + self.most + 1] - energy[:, : self.most + 1]
        return (moved[:, :1] + moved - 2 * product).clamp_min(0)
