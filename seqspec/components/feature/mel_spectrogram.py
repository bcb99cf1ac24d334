"""Log-mel frames of speech synthesis, in torch."""

# L samples, T frames, M mel filters

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from seqspec.components._layers.mel import mel_frames, num_frames
from seqspec.schema.feature.mel_spectrogram import MelSpectrogramConfig
from seqspec.schema.types import Frames, Waveform

if TYPE_CHECKING:
    import numpy as np


class MelSpectrogram:
    """``features(samples)`` gives ``[frames, dim]`` float32; a recording too short for the transform has no
    frame.
    """

    def __init__(self, config: MelSpectrogramConfig, source: Waveform) -> None:
        # What it gives holds every number that decides it but one; all fields count as read.
        given = config.output(source)
        assert isinstance(given, Frames)
        assert given.mel is not None
        self.mel = given.mel
        self.num_bins = config.num_bins
        self.epsilon = config.epsilon

    def num_frames(self, num_samples: int) -> int:
        """Frames of so many samples."""
        mel = self.mel
        return num_frames(num_samples, fft=mel.fft, hop=mel.hop, padding=mel.padding)

    def __call__(self, samples: np.ndarray) -> Tensor:
        if not self.num_frames(len(samples)):
            return torch.empty(0, self.num_bins)
        wave_L = torch.from_numpy(samples if samples.flags.writeable else samples.copy()).float()
        return mel_frames(wave_L[None], self.mel, self.num_bins, epsilon=self.epsilon)[0].contiguous()
