"""Impulse responses of rooms, recorded or synthetic."""

# L samples, R samples of a response

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from seqspec.components.augment._waveform import Recordings, WaveformAugment, decibels, power, within
from seqspec.schema.augment.room import RoomConfig
from seqspec.schema.types import Waveform

DECAY_SECONDS, DIRECT = (0.2, 0.8), (0.0, 10.0)


class Room(WaveformAugment):
    """``augment(x_L, generator)``; what rings on behind the last sample is cut off."""

    def __init__(self, config: RoomConfig, source: Waveform) -> None:
        super().__init__(config, source)
        self.decay, self.direct = config.decay_seconds or DECAY_SECONDS, config.direct or DIRECT
        if config.folder is not None:
            self.folder = Recordings(config.folder, rate=source.rate, what="impulse responses")

    def change(self, x_L: Tensor, generator: torch.Generator) -> Tensor:
        response_R = self._recorded(generator) if self.folder is not None else self._drawn(generator)
        dry_L = x_L.numpy().astype(np.float64)
        wet_L = _convolved(dry_L, response_R)[: len(dry_L)]
        before, after = power(dry_L), power(wet_L)
        if not before or not after:
            return x_L
        return torch.from_numpy((wet_L * np.sqrt(before / after)).astype(np.float32))

    def _recorded(self, generator: torch.Generator) -> np.ndarray:
        assert self.folder is not None
        response_R = self.folder.whole(generator).astype(np.float64)
        return response_R[int(np.abs(response_R).argmax()) :]

    def _drawn(self, generator: torch.Generator) -> np.ndarray:
        """The direct sound, and noise whose energy falls by 60 dB in the time that was drawn."""
        seconds, ratio = within(self.decay, generator), within(self.direct, generator)
        size = max(2, round(seconds * self.rate))
        noise_R = torch.randn(size, generator=generator, dtype=torch.float64).numpy()
        room_R = noise_R * 10.0 ** (-3.0 * np.arange(size) / size)
        room_R[0] = 0.0
        room_R /= np.sqrt(np.square(room_R).sum()) * decibels(ratio)
        room_R[0] = 1.0
        return room_R


def _convolved(x_L: np.ndarray, response_R: np.ndarray) -> np.ndarray:
    size = len(x_L) + len(response_R) - 1
    points = 1 << (size - 1).bit_length()
    spectrum = np.fft.rfft(x_L, points) * np.fft.rfft(response_R, points)
    given: np.ndarray = np.fft.irfft(spectrum, points)[:size]
    return given
