"""Xception's entry flow: MultiModel's net for images, Kaiser et al. (2017), "One Model To Learn Them All",
arXiv:1706.05137, section 2.5; Chollet (2017), arXiv:1610.02357, figure 5.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Literal

from seqspec.schema.config import Config, Flow, Mismatch
from seqspec.schema.layers.convolution_cost import Convolved, parameters
from seqspec.schema.types import Frames, Image, Type
from seqspec.schema.units import Dim, InferredMark

LARGE = 200
"""Pixels of height above which an image is shrunk (Tensor2Tensor)."""
ENTRY = (32, 64, 128, 256)
"""Channels of the two convolutions and of the first two blocks."""


class XceptionEntryConfig(Config):
    """An image becomes a sequence of vectors, row after row."""

    dim: Annotated[Dim | None, InferredMark()] = None
    """Width of a vector; left out, that of what reads it."""
    entry: Annotated[Literal["strided", "plain"] | None, InferredMark()] = None
    """``strided`` halves height and width four times, by a convolution and three residual blocks of separable
    ones; ``plain`` is one convolution that keeps the size.  Left out, strided for images higher than 200
    pixels.
    """

    def wire(self, source: Type, flow: Flow) -> Frames:
        if not isinstance(source, Image):
            raise Mismatch(f"`xception_entry` reads images, and this is {source}")
        if self.dim is None:
            raise Mismatch("the width does not follow from what reads it", at=("dim",), help="set `dim`")
        if self.entry is None:
            large = source.height > LARGE
            reason = f"the images are {'' if large else 'not '}higher than {LARGE} pixels"
            flow.derive("entry", "strided" if large else "plain", reason)
        return Frames(self.dim)

    @property
    def widths(self) -> tuple[int, ...]:
        """Channels along a strided entry, as far as ``dim`` allows in its blocks."""
        assert self.dim is not None
        return (*ENTRY[:2], *(min(width, self.dim) for width in ENTRY[2:]), self.dim)

    def parameters(self, takes: Mapping[str, Type]) -> int:
        """Trainable parameters."""
        source = takes["source"]
        assert isinstance(source, Image)
        return parameters(self._layers(source))

    def _layers(self, source: Image) -> Iterator[Convolved]:
        assert self.dim is not None
        if self.entry == "plain":
            yield Convolved(source.channels, self.dim, 3, 1)
            return
        first, second, *blocks = self.widths
        yield Convolved(source.channels, first, 3, 1)
        yield Convolved(first, second, 3, 1)
        before = second
        for width in blocks:
            yield Convolved(before, width, 3, 1, separable=True)
            yield Convolved(width, width, 3, 1, separable=True)
            yield Convolved(before, width, 1, 1)
            before = width
