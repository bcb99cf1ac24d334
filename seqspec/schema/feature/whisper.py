"""Whisper's log-mel frames: Radford et al. (2022), "Robust Speech Recognition via Large-Scale Weak
Supervision", arXiv:2212.04356, section 2.2; Slaney's mel scale, as `mel_spectrogram` has it.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from seqspec.schema.config import Config, Mismatch
from seqspec.schema.mel_scale import MelScale
from seqspec.schema.types import Frames, Type, Waveform

RATE, FFT, HOP, LIMIT = 16_000, 400, 160, 480_000
"""Samples a second, of a window, between frames, and of the thirty seconds that Whisper reads."""


class WhisperConfig(Config):
    """Base-ten logarithms of mel energies, no lower than 8 below the recording's largest, plus 4, over 4.

    A recording is thirty seconds, the rest of which is silence, and what is longer is cut.  The frames end
    with the first that hears nothing but silence: the encoder repeats that one.
    """

    num_bins: Literal[80, 128] = 80
    """Mel filters; 128 from `large-v3` on."""
    max_seconds: Annotated[float, Field(ge=0.1, le=30)] = 30.0
    """Where recordings are cut, in seconds: the encoder's window."""

    def output(self, source: Type) -> Type:
        if not isinstance(source, Waveform):
            raise Mismatch(f"Whisper's frames are made from a waveform, and get {source}")
        if source.rate != RATE:
            raise Mismatch(
                f"Whisper hears {RATE:,} samples a second, and the corpus gives {source.rate:,}",
                help=f"set `data.source.rate: {RATE}`, with `resample: true` where the adapter has that",
            )
        return Frames(self.num_bins, rate=RATE // HOP, mel=MEL)


MEL = MelScale(
    RATE, FFT, FFT, HOP, 0.0, 8000.0, spectrum="power", log="ten", floor=1e-10, mean=-4.0, deviation=4.0
)
"""How the frames are made, but for the bound of 8 below the largest."""
