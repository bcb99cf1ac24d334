"""SliceNet's encoder: Kaiser et al. (2017), "Depthwise Separable Convolutions for Neural Machine
Translation", arXiv:1706.03059.
"""

from __future__ import annotations

from collections.abc import Mapping

from seqspec.schema.config import Mismatch
from seqspec.schema.layers.separable import SeparableLayers
from seqspec.schema.types import Frames, States, Type
from seqspec.schema.units import Dim


class SlicenetConfig(SeparableLayers):
    """Depthwise-separable convolutions that see both sides."""

    dim: Dim = 768
    """Width of the model, in features."""

    def output(self, source: Type) -> States:
        if not isinstance(source, Frames):
            raise Mismatch(f"a convolutional encoder reads a sequence of vectors, and this is {source}")
        self.check(dim=self.dim, middles=True)
        return States(self.dim, rate=source.rate)

    def parameters(self, takes: Mapping[str, Type]) -> int:
        """Trainable parameters."""
        source = takes["source"]
        assert isinstance(source, Frames)
        project = (source.dim + 1) * self.dim if source.dim != self.dim else 0
        return project + self.stack_parameters(dim=self.dim)
