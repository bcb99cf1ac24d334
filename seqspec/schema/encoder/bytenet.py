"""ByteNet's encoder: Kalchbrenner et al. (2016), arXiv:1610.10099."""

from __future__ import annotations

from seqspec.schema.config import Mismatch
from seqspec.schema.layers.dilated import DilatedLayers
from seqspec.schema.types import Frames, States, Type
from seqspec.schema.units import Dim


class BytenetConfig(DilatedLayers):
    """Dilated convolutions that see both sides."""

    dim: Dim = 768
    """Width of the model, in features."""

    def output(self, source: Type) -> States:
        if not isinstance(source, Frames):
            raise Mismatch(f"a convolutional encoder reads a sequence of vectors, and this is {source}")
        self.check()
        return States(self.dim, rate=source.rate)
