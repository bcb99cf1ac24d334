"""The samples of a waveform themselves."""

# T samples

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from seqspec.schema.feature.samples import SamplesConfig
from seqspec.schema.types import Waveform

if TYPE_CHECKING:
    import numpy as np

LEAST_VARIANCE = 1e-7
"""What is added to the variance: that of transformers' feature extractor."""


class Samples:
    """``features(samples)`` gives ``[T, 1]`` float32; deterministic, so it may be cached."""

    def __init__(self, config: SamplesConfig, source: Waveform) -> None:
        self.normalize = config.normalize == "utterance"

    def num_frames(self, num_samples: int) -> int:
        """One a sample."""
        return num_samples

    def __call__(self, samples: np.ndarray) -> Tensor:
        wave_T = torch.from_numpy(samples if samples.flags.writeable else samples.copy()).float()
        if self.normalize and len(wave_T):
            variance = wave_T.double().var(correction=0).float()
            wave_T = (wave_T - wave_T.double().mean().float()) / (variance + LEAST_VARIANCE).sqrt()
        return wave_T[:, None]
