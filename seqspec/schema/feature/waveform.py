"""The samples themselves, cut into frames of equal length: what a vocoder learns to give."""

from __future__ import annotations

from fractions import Fraction
from typing import ClassVar

from seqspec.schema.config import Config, Mismatch
from seqspec.schema.feature.mel_spectrogram import Samples
from seqspec.schema.types import Frames, Type, Waveform


class WaveformConfig(Config):
    """As many frames as ``mel_spectrogram`` gives with ``padding: same`` and this hop; a rest at the end is
    left out.
    """

    samples: ClassVar[bool] = True

    hop_samples: Samples = 256
    """Samples of a frame."""
    fft_samples: Samples = 1024
    """Points of the transform of the mel frames beside it; it decides which recordings are too short."""

    def output(self, source: Type) -> Type:
        if not isinstance(source, Waveform):
            raise Mismatch(f"samples are cut out of a waveform, and not out of {source}")
        rate = Fraction(source.rate, self.hop_samples)
        return Frames(self.hop_samples, rate=int(rate) if rate.denominator == 1 else rate)
