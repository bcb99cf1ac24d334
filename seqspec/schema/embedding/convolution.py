"""Strided convolutions over frames: Tensor2Tensor's front end for speech."""

from fractions import Fraction
from typing import Annotated

from pydantic import Field

from seqspec.schema.config import Config, Mismatch
from seqspec.schema.types import Frames, Type
from seqspec.schema.units import Dim, InferredMark, Layers, Positive


class ConvolutionConfig(Config):
    """Two-dimensional convolutions of stride 2 over time and bins, then one over all bins that are left."""

    dim: Annotated[Dim | None, InferredMark()] = None
    """Width of what comes out; left out, that of what reads it."""
    filters: Positive = 128
    """Filters of each strided convolution."""
    num_layers: Annotated[Layers, Field(le=8)] = 2
    """Strided convolutions; each halves the time and the bins."""

    def output(self, source: Type) -> Frames:
        if not isinstance(source, Frames):
            raise Mismatch(f"convolutions over time and bins read frames, and this is {source}")
        if self.dim is None:
            raise Mismatch("the width does not follow from what reads it", at=("dim",), help="set `dim`")
        if self.bins_left(source) < 1:
            raise Mismatch(
                f"{source.dim // source.channels} bins are too few for {self.num_layers} halvings",
                at=("num_layers",),
            )
        return Frames(self.dim, Fraction(source.rate) / 2**self.num_layers)

    def bins_left(self, source: Frames) -> int:
        """Bins after the strided convolutions, which do not reach over the edges of the spectrum."""
        bins = source.dim // source.channels
        for _ in range(self.num_layers):
            bins = (bins - 1) // 2
        return bins
