"""Fundamental frequency a frame: de Cheveigné and Kawahara (2002), "YIN, a fundamental frequency estimator
for speech and music", Journal of the Acoustical Society of America 111.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Annotated, Literal

from pydantic import Field

from seqspec.schema.config import Config, Mismatch
from seqspec.schema.feature.mel_spectrogram import Samples
from seqspec.schema.types import Frames, Type, Waveform
from seqspec.schema.units import Fraction as Share
from seqspec.schema.units import PositiveFloat, Real

Frequency = Annotated[float, Field(gt=0, le=1_000_000)]


class PitchConfig(Config):
    """One number a frame, 0 where the voice has no pitch; as many frames as ``mel_spectrogram`` makes with
    the same ``fft_samples``, ``hop_samples`` and ``padding``.
    """

    low_hz: Frequency = 65.0
    """Lowest pitch that is looked for."""
    high_hz: Frequency = 500.0
    """Highest pitch that is looked for."""
    threshold: Share = 0.15
    """Highest normalised difference at which a frame is voiced; section II.D of the paper."""
    window_samples: Samples = 512
    """Samples over which a frame is compared with itself, shifted."""
    fft_samples: Samples = 1024
    """Points of the transform of the mel frames beside it; it decides which recordings are too short."""
    hop_samples: Samples = 256
    """Samples between frames."""
    padding: Literal["center", "same", "none"] = "center"
    """Where the frames lie, as of ``mel_spectrogram``."""
    scale: Literal["hertz", "log"] = "hertz"
    """Hertz, or their natural logarithm."""
    mean: Real = 0.0
    """Taken off voiced frames."""
    deviation: PositiveFloat = 1.0
    """What voiced frames are divided by after that."""

    def output(self, source: Type) -> Type:
        if not isinstance(source, Waveform):
            raise Mismatch(f"pitch is found in a waveform, and not in {source}")
        if self.low_hz >= self.high_hz:
            message = f"`low_hz` {self.low_hz:g} is not below `high_hz` {self.high_hz:g}"
            raise Mismatch(message, at=("low_hz",))
        if self.high_hz > source.rate / 4:
            message = f"a pitch of {self.high_hz:g} Hz has no four samples at {source.rate} Hz"
            raise Mismatch(message, at=("high_hz",), help=f"use at most {source.rate / 4:g}")
        rate = Fraction(source.rate, self.hop_samples)
        return Frames(1, rate=int(rate) if rate.denominator == 1 else rate)
