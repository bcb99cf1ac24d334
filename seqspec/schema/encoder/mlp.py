"""Fully connected layers over a whole image, or over one vector."""

from itertools import pairwise
from typing import Annotated

from pydantic import Field

from seqspec.schema.config import Config, Mismatch
from seqspec.schema.layers.activation import Activation
from seqspec.schema.types import Image, Type, Vector
from seqspec.schema.units import Dim


class MlpConfig(Config):
    """Every layer sees all of what the one before it gives; the non-linearity follows each."""

    dims: Annotated[list[Dim], Field(min_length=1, max_length=64)] = [400]
    """Widths of the layers, in features."""
    activation: Activation = "relu"
    """The non-linearity."""

    def output(self, source: Type) -> Vector:
        if not isinstance(source, Image | Vector):
            raise Mismatch(
                f"`mlp` reads images or vectors, and this is {source}",
                help="for text use `transformer` or `recurrent`, for sound `conformer` or `conv_lstm`",
            )
        return Vector(self.dims[-1])

    def inputs(self, source: Image | Vector) -> int:
        """Numbers of one example."""
        return source.dim if isinstance(source, Vector) else source.channels * source.height * source.width

    def uses(self, source: Image) -> int:
        """How often weights are used for one image: each once."""
        widths = [self.inputs(source), *self.dims]
        return sum(a * b for a, b in pairwise(widths))

    def kept(self, source: Image) -> int:
        """Numbers that one image leaves for the backward pass."""
        return self.inputs(source) + 2 * sum(self.dims)
