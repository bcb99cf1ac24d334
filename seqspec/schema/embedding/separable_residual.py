"""Strided residual blocks of separable convolutions over frames: MultiModel's net for audio, Kaiser et al.
(2017), "One Model To Learn Them All", arXiv:1706.05137, section 2.5.
"""

from collections.abc import Mapping
from fractions import Fraction
from typing import Annotated, Literal

from pydantic import Field

from seqspec.schema.config import Config, Mismatch
from seqspec.schema.layers.convolution_cost import Convolved, parameters
from seqspec.schema.types import Frames, Type
from seqspec.schema.units import Dim, InferredMark, Positive


class SeparableResidualConfig(Config):
    """Frames as an image of time and bins; each block halves the time.  What is left becomes a sequence of
    vectors, bin after bin of each time.
    """

    dim: Annotated[Dim | None, InferredMark()] = None
    """Width of a vector, which the last block gives; left out, that of what reads it."""
    channels: Annotated[list[Positive], Field(max_length=16)] = [2, 4, 8, 16, 32, 64, 128, 256]
    """Channels of each block before the last."""
    halves: Literal["time", "time_and_bins"] = "time"
    """What a block halves: for spectra the time alone."""

    def output(self, source: Type) -> Frames:
        if not isinstance(source, Frames):
            raise Mismatch(f"convolutions over time and bins read frames, and this is {source}")
        if self.dim is None:
            raise Mismatch("the width does not follow from what reads it", at=("dim",), help="set `dim`")
        bins = source.dim // source.channels
        if self.halves == "time_and_bins":
            bins = -(-bins // 2 ** len(self.widths))
        return Frames(self.dim, Fraction(source.rate) * bins / 2 ** len(self.widths))

    @property
    def widths(self) -> tuple[int, ...]:
        """Channels of every block."""
        assert self.dim is not None
        return (*self.channels, self.dim)

    def parameters(self, takes: Mapping[str, Type]) -> int:
        """Trainable parameters."""
        source = takes["source"]
        assert isinstance(source, Frames)
        before, layers = source.channels, []
        for width in self.widths:
            layers.append(Convolved(before, width, 3, 1, separable=True))
            layers.append(Convolved(width, width, 3, 1, separable=True))
            layers.append(Convolved(before, width, 1, 1))
            before = width
        return parameters(layers)
