"""Codecs by libsndfile, in memory."""

# L samples

from __future__ import annotations

from io import BytesIO

import numpy as np
import torch
from torch import Tensor

from seqspec.components.augment._waveform import WaveformAugment, below
from seqspec.schema.augment.codec import SCALED, CodecConfig
from seqspec.schema.types import Waveform

FORMS = {
    "mu_law": ("WAV", "ULAW"), "a_law": ("WAV", "ALAW"), "gsm": ("WAV", "GSM610"),
    "opus": ("OGG", "OPUS"), "vorbis": ("OGG", "VORBIS"), "mp3": ("MP3", "MPEG_LAYER_III"),
}  # fmt: skip
"""Container and encoding of each."""


class Codec(WaveformAugment):
    """``augment(x_L, generator)``; beyond full scale samples are clipped, as codecs do."""

    def __init__(self, config: CodecConfig, source: Waveform) -> None:
        super().__init__(config, source)
        self.kinds, self.compression = config.kinds, config.compression
        self.on_the_way = config.sample_rate or source.rate

    def change(self, x_L: Tensor, generator: torch.Generator) -> Tensor:
        kind = self.kinds[below(len(self.kinds), generator)]
        samples_L = self._resampled(x_L.numpy(), self.rate, self.on_the_way)
        heard_L = self._resampled(self._through(kind, samples_L.clip(-1, 1)), self.on_the_way, self.rate)
        fitted_L = np.zeros(len(x_L), np.float32)
        fitted_L[: len(heard_L)] = heard_L[: len(x_L)]
        return torch.from_numpy(fitted_L)

    def _through(self, kind: str, samples_L: np.ndarray) -> np.ndarray:
        import soundfile

        container, encoding = FORMS[kind]
        level = self.compression if kind in SCALED else None
        with BytesIO() as file:
            soundfile.write(
                file, samples_L, self.on_the_way, format=container, subtype=encoding, compression_level=level
            )
            file.seek(0)
            given: np.ndarray = soundfile.read(file, dtype="float32")[0]
        return given[: len(samples_L)]

    @staticmethod
    def _resampled(x_L: np.ndarray, rate: int, wanted: int) -> np.ndarray:
        import soxr

        given: np.ndarray = x_L if rate == wanted else soxr.resample(x_L, rate, wanted, quality="HQ")
        return given
