"""HiFi-GAN's discriminators: Kong, Kim and Bae (2020), arXiv:2010.05646, section 2.3."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from seqspec.schema.config import Config, Mismatch
from seqspec.schema.types import Floats, Type, Waveform
from seqspec.schema.units import Dim, Positive

Channels = Annotated[list[Dim], Field(min_length=2, max_length=16)]


class HifiGanConfig(Config):
    """Judges a waveform folded by several periods, and at several scales."""

    periods: Annotated[list[Annotated[int, Field(ge=2, le=1000)]], Field(min_length=1)] = [2, 3, 5, 7, 11]
    """Samples of a row when the waveform is folded; a discriminator each."""
    period_channels: Channels = [32, 128, 512, 1024, 1024]
    """Channels of their convolutions."""
    num_scales: Positive = 3
    """Discriminators of the waveform itself and of its averages by two, four, …"""
    scale_channels: Annotated[list[Dim], Field(min_length=7, max_length=7)] = [
        128, 128, 256, 512, 1024, 1024, 1024,
    ]  # fmt: skip
    """Channels of their seven convolutions; from the second on multiples of 16."""

    def output(self, source: Type) -> Floats:
        if not isinstance(source, Waveform):
            raise Mismatch(f"this critic scores waveforms, and is given {source}")
        for index, channels in enumerate(self.scale_channels[:6]):
            if channels % 16:
                message = f"{channels} channels cannot be cut into 16 groups"
                raise Mismatch(message, at=("scale_channels", index), help="use a multiple of 16")
        return Floats()
