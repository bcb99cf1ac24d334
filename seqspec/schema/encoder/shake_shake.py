"""Shake-shake: Gastaldi (2017), "Shake-Shake regularization", arXiv:1705.07485; as Tensor2Tensor has it
(shakeshake_big).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Literal

from pydantic import Field

from seqspec.schema.config import Config, Mismatch
from seqspec.schema.layers.convolution_cost import Convolved, kept, parameters, shrunk, uses
from seqspec.schema.types import Image, Type, Vector
from seqspec.schema.units import Dim, Fraction, Layers

STEM = 16
"""Channels of the first convolution."""
STAGES = 3
BRANCHES = 2


class ShakeShakeConfig(Config):
    """A residual network over images whose blocks have two branches, weighted at random in training; then
    the image's mean, as one vector of four times ``dim``.
    """

    dim: Annotated[Dim, Field(multiple_of=2)] = 96
    """Channels of the first of three stages; each next one has twice as many, on half the height and width.
    """
    num_blocks: Layers = 4
    """Blocks of a stage; 4 make the network of 26 layers."""
    shake: Literal["image", "batch", "none"] = "image"
    """What shares random weights, drawn anew for the backward pass: an image, or a batch; ``none`` takes the
    mean of the branches.
    """
    decay: Fraction = 0.99
    """Decay of the running mean and variance of batch normalisation."""

    def output(self, source: Type) -> Vector:
        if not isinstance(source, Image):
            raise Mismatch(
                f"`shake_shake` reads images, and this is {source}",
                help="for text use `transformer` or `slicenet`, for sound `conformer` or `conv_lstm`",
            )
        return Vector(self.dim * 2 ** (STAGES - 1))

    def layers(self, source: Image) -> Iterator[Convolved]:
        """Every convolution, in order."""
        yield Convolved(source.channels, STEM, 3, source.height * source.width, bias=True)
        before = STEM
        for stage in range(STAGES):
            width = self.dim * 2**stage
            pixels = shrunk(source.height, times=stage) * shrunk(source.width, times=stage)
            for _ in range(self.num_blocks):
                for _ in range(BRANCHES):
                    yield Convolved(before, width, 3, pixels, bias=True)
                    yield Convolved(width, width, 3, pixels, bias=True)
                if before != width:
                    yield Convolved(before, width, 1, pixels, bias=True)
                before = width

    def uses(self, source: Image) -> int:
        """How often weights are used for one image, all of them together."""
        return uses(self.layers(source))

    def kept(self, source: Image) -> int:
        """Numbers that one image leaves for the backward pass."""
        return kept(self.layers(source))

    def parameters(self, takes: Mapping[str, Type]) -> int:
        """Trainable parameters."""
        source = takes["source"]
        assert isinstance(source, Image)
        return parameters(self.layers(source))
