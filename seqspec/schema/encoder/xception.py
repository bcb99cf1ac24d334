"""Xception: Chollet (2017), "Xception: Deep Learning with Depthwise Separable Convolutions",
arXiv:1610.02357; as Tensor2Tensor has it (xception_base).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Literal

from pydantic import Field

from seqspec.schema.config import Config, Flow, Mismatch
from seqspec.schema.layers.convolution_cost import Convolved, kept, parameters, shrunk, uses
from seqspec.schema.types import Image, Type, Vector
from seqspec.schema.units import Dim, InferredMark, Layers, Probability

LARGE = 200
"""Pixels of height above which Tensor2Tensor shrinks an image first."""
ENTRY = (32, 64, 128, 256)
"""Channels of the first two convolutions and the first two blocks of a strided entry."""
BLOCK = 3
"""Separable convolutions of one residual block."""


class XceptionConfig(Config):
    """Residual blocks of depthwise-separable convolutions over an image; then its mean, as one vector of two
    and a half times ``dim``.
    """

    dim: Annotated[Dim, Field(ge=4)] = 768
    """Channels of the blocks."""
    num_layers: Layers = 8
    """Residual blocks, of three separable convolutions each."""
    entry: Annotated[Literal["strided", "plain"] | None, InferredMark()] = None
    """``strided`` shrinks an image eightfold before the blocks, ``plain`` is one convolution that keeps its
    size; left out, strided for images higher than 200 pixels.
    """
    kernel: Annotated[int, Field(ge=1, le=31)] = 3
    """Height and width of the blocks' convolutions, in pixels; odd, so that each pixel stands in a middle."""
    dropout: Probability = 0.2
    """Rate of dropout on what each block gives."""

    def wire(self, source: Type, flow: Flow) -> Vector:
        if not isinstance(source, Image):
            raise Mismatch(
                f"`xception` reads images, and this is {source}",
                help="for text use `slicenet` or `transformer`, for sound `conformer` or `conv_lstm`",
            )
        if self.kernel % 2 == 0:
            near = f"the nearest sizes are {self.kernel - 1} and {self.kernel + 1}"
            raise Mismatch(f"a kernel of {self.kernel} pixels has no middle", at=("kernel",), help=near)
        if self.entry is None:
            large = source.height > LARGE
            reason = f"the images are {'' if large else 'not '}higher than {LARGE} pixels"
            flow.derive("entry", "strided" if large else "plain", reason)
        return Vector(self.dim * 5 // 2)

    @property
    def widths(self) -> tuple[int, ...]:
        """Channels along a strided entry, as far as ``dim`` allows in its blocks."""
        return (*ENTRY[:2], *(min(width, self.dim) for width in ENTRY[2:]), self.dim)

    def seen_last(self, source: Image) -> tuple[int, int]:
        """Height and width of what the last convolution with ``kernel`` reads."""
        times = 4 if self.entry == "strided" else 0
        return shrunk(source.height, times=times), shrunk(source.width, times=times)

    def layers(self, source: Image) -> Iterator[Convolved]:
        """Every convolution, in order."""
        strided = self.entry == "strided"
        yield from self._strided(source) if strided else self._plain(source)
        middle = self._pixels(source, times=4 if strided else 0)
        for _ in range(self.num_layers * BLOCK):
            yield Convolved(self.dim, self.dim, self.kernel, middle, separable=True)
        after = self._pixels(source, times=5 if strided else 1)
        dim, wide = self.dim, self.dim * 5 // 4
        yield Convolved(dim, wide, 3, after)
        yield Convolved(dim, dim, 3, middle, separable=True)
        yield Convolved(dim, wide, 3, middle, separable=True)
        yield Convolved(wide, 2 * dim, 3, after, separable=True)
        yield Convolved(2 * dim, dim * 5 // 2, 3, after, separable=True)

    def _plain(self, source: Image) -> Iterator[Convolved]:
        yield Convolved(source.channels, self.dim, 3, source.height * source.width)

    def _strided(self, source: Image) -> Iterator[Convolved]:
        first, second, *blocks = self.widths
        pixels = [self._pixels(source, times=times) for times in range(5)]
        yield Convolved(source.channels, first, 3, pixels[1])
        yield Convolved(first, second, 3, pixels[1])
        before = second
        for depth, width in enumerate(blocks, start=1):
            yield Convolved(before, width, 3, pixels[depth], separable=True)
            yield Convolved(width, width, 3, pixels[depth], separable=True)
            yield Convolved(before, width, 1, pixels[depth + 1])
            before = width

    def _pixels(self, source: Image, *, times: int) -> int:
        return shrunk(source.height, times=times) * shrunk(source.width, times=times)

    def uses(self, source: Image) -> int:
        """How often weights are used for one image, all of them together."""
        return uses(self.layers(source))

    def kept(self, source: Image) -> int:
        """Numbers that one image leaves for the backward pass."""
        return kept(self.layers(source))

    def parameters(self, takes: Mapping[str, Type]) -> int:
        """Trainable parameters: the convolutions', and of the normalisation after each block's sum."""
        source = takes["source"]
        assert isinstance(source, Image)
        return parameters(self.layers(source)) + self.num_layers * 2 * self.dim
