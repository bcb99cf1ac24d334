"""HiFi-GAN: Kong, Kim and Bae (2020), "HiFi-GAN: Generative Adversarial Networks for Efficient and High
Fidelity Speech Synthesis", NeurIPS, arXiv:2010.05646; the defaults are its V1.
"""

from __future__ import annotations

from math import prod
from typing import Annotated, Literal

from pydantic import Field

from seqspec.schema.config import Config, Mismatch
from seqspec.schema.types import Frames, Type
from seqspec.schema.units import Dim, InferredMark, Later, Positive
from seqspec.schema.vocoder.griffin_lim import vocoded

Widths = Annotated[list[Positive], Field(min_length=1, max_length=16)]


class HifiGanConfig(Config):
    """Transposed convolutions up to samples, each with residual blocks of several widths; a frame
    becomes as many samples as its hop.
    """

    channels: Dim = 512
    """Channels before the first step up; each step halves them."""
    upsample_rates: Widths = [8, 8, 2, 2]
    """Factor of each step; together they must be the hop of the frames."""
    upsample_kernels: Widths = [16, 16, 4, 4]
    """Width of the transposed convolution of each step; as even or odd as its factor."""
    block: Literal["1", "2"] = "1"
    """Residual blocks with two convolutions for each dilation, or one (V3)."""
    block_kernels: Widths = [3, 7, 11]
    """Widths of the residual blocks, whose outputs are averaged."""
    block_dilations: Annotated[list[Widths], Field(min_length=1)] = [[1, 3, 5], [1, 3, 5], [1, 3, 5]]
    """Dilations within each of them."""
    ends: Annotated[Literal["normalized", "plain"], Later] = "normalized"
    """Weight normalisation of the first and the last convolution too, or neither, and no bias in the last, as
    in VITS.
    """
    speaker_dim: Annotated[Dim | None, InferredMark(), Later] = None
    """Width of the vector that says who speaks, which is added behind the first convolution."""

    def output(self, source: Type) -> Type:
        given = vocoded(source)
        assert isinstance(source, Frames)
        assert source.mel is not None
        self._require_lists()
        hop = prod(self.upsample_rates)
        if hop != source.mel.hop:
            raise Mismatch(
                f"steps of {' · '.join(map(str, self.upsample_rates))} make {hop} samples of a frame, and the"
                f" frames stand {source.mel.hop} apart",
                at=("upsample_rates",),
                help="choose factors whose product is the hop",
            )
        if source.mel.padding != "same":
            raise Mismatch(
                f"frames with `padding: {source.mel.padding}` are not one for each hop of samples",
                help="compute them with `padding: same`",
            )
        return given

    def _require_lists(self) -> None:
        if len(self.upsample_kernels) != len(self.upsample_rates):
            message = "each step up needs a width, and the two lists differ in length"
            raise Mismatch(message, at=("upsample_kernels",))
        if len(self.block_dilations) != len(self.block_kernels):
            message = "each residual block needs its dilations, and the two lists differ in length"
            raise Mismatch(message, at=("block_dilations",))
        if self.channels % 2 ** len(self.upsample_rates):
            times = 2 ** len(self.upsample_rates)
            message = f"{self.channels} channels cannot be halved {len(self.upsample_rates)} times"
            raise Mismatch(message, at=("channels",), help=f"use a multiple of {times}")
        for index, (rate, kernel) in enumerate(zip(self.upsample_rates, self.upsample_kernels, strict=True)):
            if kernel < rate or (kernel - rate) % 2:
                message = f"a width of {kernel} does not fit a factor of {rate}"
                raise Mismatch(message, at=("upsample_kernels", index), help="their difference must be even")
        for index, kernel in enumerate(self.block_kernels):
            if kernel % 2 == 0:
                raise Mismatch(f"a kernel of {kernel} has no middle", at=("block_kernels", index))
