"""Universal Transformer encoder: Dehghani et al. (2019), arXiv:1807.03819."""

from __future__ import annotations

from seqspec.schema.config import Flow, Mismatch
from seqspec.schema.layers.universal import UniversalLayers
from seqspec.schema.types import Frames, States, Type
from seqspec.schema.units import Dim


class UniversalTransformerConfig(UniversalLayers):
    """One layer of self-attention over the whole input, again and again."""

    dim: Dim = 1024
    """Width of the model, in features."""

    def wire(self, source: Type, flow: Flow) -> States:
        if not isinstance(source, Frames):
            raise Mismatch(f"a Transformer encoder reads a sequence of vectors, and this is {source}")
        self.check()
        self.settle(flow, dim=self.dim)
        return States(self.dim, rate=source.rate)
