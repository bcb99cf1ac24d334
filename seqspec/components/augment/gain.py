"""A random gain."""

# L samples

from __future__ import annotations

import torch
from torch import Tensor

from seqspec.components.augment._waveform import WaveformAugment, decibels, within
from seqspec.schema.augment.gain import GainConfig
from seqspec.schema.types import Waveform


class Gain(WaveformAugment):
    """``augment(x_L, generator)``: the samples times one factor."""

    def __init__(self, config: GainConfig, source: Waveform) -> None:
        super().__init__(config, source)
        self.gain = config.gain

    def change(self, x_L: Tensor, generator: torch.Generator) -> Tensor:
        return x_L * decibels(within(self.gain, generator))
