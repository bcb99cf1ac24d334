"""Discriminators of Vocos: Siuzdak (2023), arXiv:2306.00814, section 3.3: those of HiFi-GAN's periods, and
one of complex spectra at each of several resolutions, cut into bands (Kumar et al. 2023, arXiv:2306.06546).
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from seqspec.schema.config import Config, Mismatch
from seqspec.schema.critic.hifi_gan import Channels
from seqspec.schema.types import Floats, Type, Waveform
from seqspec.schema.units import Dim, NonNegative

Points = Annotated[int, Field(ge=16, le=65_536)]


class VocosConfig(Config):
    """Judges a waveform folded by several periods, and its spectra of several resolutions.

    Losses are hinges (Lim and Ye 2017, arXiv:1705.02894), averaged over the discriminators of each kind.
    """

    periods: Annotated[list[Annotated[int, Field(ge=2, le=1000)]], Field(min_length=1)] = [2, 3, 5, 7, 11]
    """Samples of a row when the waveform is folded; a discriminator each."""
    period_channels: Channels = [32, 128, 512, 1024, 1024]
    """Channels of their convolutions."""
    fft_samples: Annotated[list[Points], Field(min_length=1, max_length=16)] = [2048, 1024, 512]
    """Points of each transform; windows as long, a quarter apart."""
    spectrum_channels: Dim = 32
    """Channels of the convolutions over spectra."""
    spectrum_weight: NonNegative = 0.1
    """What the discriminators of spectra count beside those of periods."""

    def output(self, source: Type) -> Floats:
        if not isinstance(source, Waveform):
            raise Mismatch(f"this critic scores waveforms, and is given {source}")
        return Floats()
