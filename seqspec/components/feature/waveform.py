"""The samples themselves, a row a frame."""

# T frames, H samples of a frame

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from seqspec.components._layers.mel import num_frames
from seqspec.schema.feature.waveform import WaveformConfig
from seqspec.schema.types import Waveform as WaveformType

if TYPE_CHECKING:
    import numpy as np


class Waveform:
    """``features(samples)`` gives ``[T, H]`` float32."""

    def __init__(self, config: WaveformConfig, source: WaveformType) -> None:
        self.hop, self.fft = config.hop_samples, config.fft_samples

    def num_frames(self, num_samples: int) -> int:
        """Frames of so many samples."""
        return num_frames(num_samples, fft=self.fft, hop=self.hop, padding="same")

    def __call__(self, samples: np.ndarray) -> Tensor:
        count = self.num_frames(len(samples))
        wave_L = torch.from_numpy(samples if samples.flags.writeable else samples.copy()).float()
        return wave_L[: count * self.hop].view(count, self.hop).clone()
