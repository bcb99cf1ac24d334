"""MultiModel's encoder: Kaiser et al. (2017), "One Model To Learn Them All", arXiv:1706.05137,
section 2.3.
"""

from __future__ import annotations

from collections.abc import Mapping

from seqspec.schema.config import Flow, Mismatch
from seqspec.schema.layers.multimodel import MultimodelLayers
from seqspec.schema.types import Frames, States, Type
from seqspec.schema.units import Dim


class MultimodelConfig(MultimodelLayers):
    """Blocks of separable convolutions that see both sides, with a mixture of experts between them.

    Sinusoids are added to the input once.  The defaults are the paper's, experts apart.
    """

    dim: Dim = 1024
    """Width of the model, in features."""

    def wire(self, source: Type, flow: Flow) -> States:
        if not isinstance(source, Frames):
            raise Mismatch(
                f"MultiModel's encoder reads a sequence of vectors, and this is {source}",
                help="for images and frames, set `embedding` to a network such as `xception_entry`",
            )
        self.check(dim=self.dim, middles=True)
        self.wire_experts(flow, dim=self.dim, causal=False, share=3)
        return States(self.dim, rate=source.rate)

    def parameters(self, takes: Mapping[str, Type]) -> int:
        """Trainable parameters, those of the experts and their router apart."""
        source = takes["source"]
        assert isinstance(source, Frames)
        project = (source.dim + 1) * self.dim if source.dim != self.dim else 0
        norm = 2 * self.dim if self.experts is not None else 0
        return project + self.stack_parameters(dim=self.dim) + norm
