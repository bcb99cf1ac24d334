"""Speed perturbation by resampling."""

# L samples

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from seqspec.components.augment._waveform import WaveformAugment, below
from seqspec.schema.augment.speed import SpeedConfig
from seqspec.schema.types import Waveform


class Speed(WaveformAugment):
    """``augment(x_L, generator)`` gives ``L / factor`` samples."""

    def __init__(self, config: SpeedConfig, source: Waveform) -> None:
        super().__init__(config, source)
        self.factors = config.factors

    def change(self, x_L: Tensor, generator: torch.Generator) -> Tensor:
        import soxr

        factor = self.factors[below(len(self.factors), generator)]
        if factor == 1.0:
            return x_L
        given = soxr.resample(np.asarray(x_L, np.float32), factor * self.rate, self.rate, quality="HQ")
        return torch.from_numpy(given) if len(given) else x_L
