"""LeNet: LeCun et al. (1998), "Gradient-Based Learning Applied to Document Recognition", Proceedings of the
IEEE; as Lingvo has it (image.mnist.LeNet5).
"""

import math
from collections.abc import Mapping
from itertools import pairwise
from typing import Annotated

from pydantic import Field

from seqspec.schema.config import Config, Mismatch
from seqspec.schema.layers.convolution_cost import shrunk
from seqspec.schema.types import Image, Type, Vector
from seqspec.schema.units import Dim, Probability


class LenetConfig(Config):
    """Convolutions without biases, each followed by ReLU and a largest value of every 2 × 2 pixels; then one
    layer over all that is left, with ReLU.  The defaults are Lingvo's.
    """

    channels: Annotated[list[Dim], Field(min_length=1, max_length=16)] = [20, 50]
    """Output channels of each convolution."""
    kernel: Annotated[int, Field(ge=1, le=31)] = 5
    """Height and width of the convolutions, in pixels; odd, so that each pixel has a middle to stand in."""
    dim: Dim = 300
    """Width of the vector that is given."""
    dropout: Probability = 0.0
    """Dropout on what each convolution gives, after the pooling."""

    def output(self, source: Type) -> Vector:
        if not isinstance(source, Image):
            raise Mismatch(
                f"`lenet` reads images, and this is {source}",
                help="for text use `transformer` or `recurrent`, for sound `conformer` or `conv_lstm`",
            )
        if self.kernel % 2 == 0:
            near = f"the nearest sizes are {self.kernel - 1} and {self.kernel + 1}"
            raise Mismatch(f"a kernel of {self.kernel} pixels has no middle", at=("kernel",), help=near)
        return Vector(self.dim)

    def sizes(self, source: Image) -> list[int]:
        """Pixels of the image, then of what each pooling leaves, an odd height or width rounded up."""
        halved = (2**depth for depth in range(len(self.channels) + 1))
        return [math.ceil(source.height / by) * math.ceil(source.width / by) for by in halved]

    def seen_last(self, source: Image) -> tuple[int, int]:
        """Height and width of what the last convolution with ``kernel`` reads."""
        times = len(self.channels) - 1
        return shrunk(source.height, times=times), shrunk(source.width, times=times)

    def flat(self, source: Image) -> int:
        """Numbers that are left after the last pooling."""
        return self.channels[-1] * self.sizes(source)[-1]

    def uses(self, source: Image) -> int:
        """How often weights are used for one image, all of them together."""
        widths = [source.channels, *self.channels]
        kernels = (
            a * b * pixels for (a, b), pixels in zip(pairwise(widths), self.sizes(source), strict=False)
        )
        return sum(kernels) * self.kernel**2 + self.flat(source) * self.dim

    def kept(self, source: Image) -> int:
        """Numbers that one image leaves for the backward pass: the image, what each convolution gives,
        and after the pooling its 64-bit places, ReLU, the dropout mask and the next input.
        """
        layers = zip(self.channels, pairwise(self.sizes(source)), strict=True)
        inner = sum(channels * (before + 5 * after) for channels, (before, after) in layers)
        return source.channels * source.height * source.width + inner + self.dim

    def parameters(self, takes: Mapping[str, Type]) -> int:
        """Trainable parameters."""
        source = takes["source"]
        assert isinstance(source, Image)
        widths = [source.channels, *self.channels]
        kernels = sum(a * b for a, b in pairwise(widths)) * self.kernel**2
        return kernels + (self.flat(source) + 1) * self.dim
