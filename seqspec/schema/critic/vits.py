"""Discriminators of VITS: Kim et al. (2021), arXiv:2106.06103, appendix B.3: those of HiFi-GAN's periods, and
one of MelGAN's scales (Kumar et al. 2019, arXiv:1910.06711).
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from seqspec.schema.config import Config, Mismatch
from seqspec.schema.critic.hifi_gan import Channels
from seqspec.schema.types import Floats, Type, Waveform
from seqspec.schema.units import Dim


class VitsConfig(Config):
    """Judges a waveform as it is, and folded by several periods."""

    periods: Annotated[list[Annotated[int, Field(ge=2, le=1000)]], Field(min_length=1)] = [2, 3, 5, 7, 11]
    """Samples of a row when the waveform is folded; a discriminator each."""
    period_channels: Channels = [32, 128, 512, 1024, 1024]
    """Channels of their convolutions."""
    scale_channels: Annotated[list[Dim], Field(min_length=6, max_length=6)] = [16, 64, 256, 1024, 1024, 1024]
    """Channels of the six convolutions over the waveform itself; the second to fifth are grouped by four
    channels of what they read.
    """

    def output(self, source: Type) -> Floats:
        if not isinstance(source, Waveform):
            raise Mismatch(f"this critic scores waveforms, and is given {source}")
        for index, channels in enumerate(self.scale_channels[:4]):
            if channels % 4:
                message = f"{channels} channels cannot be cut into groups of four"
                raise Mismatch(message, at=("scale_channels", index), help="use a multiple of 4")
            above = self.scale_channels[index + 1]
            if above % (channels // 4):
                message = f"{above} channels cannot be made by {channels // 4} groups"
                raise Mismatch(
                    message, at=("scale_channels", index + 1), help=f"use a multiple of {channels // 4}"
                )
        return Floats()
