"""Transformer with relative positions inside a window: Shaw et al. (2018), "Self-Attention with Relative
Position Representations", arXiv:1803.02155, as text encoders of Glow-TTS (arXiv:2005.11129) and VITS have it.
"""

from __future__ import annotations

from seqspec.schema.config import Config, Mismatch
from seqspec.schema.layers.shares import require_shares
from seqspec.schema.types import Frames, States, Type
from seqspec.schema.units import Dim, Layers, Positive, Probability


class RelativeTransformerConfig(Config):
    """Self-attention and two convolutions a layer, each normalised behind its residual sum."""

    dim: Dim = 192
    """Width of the model, in features."""
    num_layers: Layers = 6
    """Layers of the stack."""
    num_heads: Positive = 2
    """Attention heads; must divide ``dim``."""
    feed_forward_dim: Dim = 768
    """Channels between the two convolutions."""
    kernel: Positive = 3
    """Width in positions of both convolutions; odd."""
    window: Positive = 4
    """Positions to each side whose distance has vectors of its own; those further away have none."""
    dropout: Probability = 0.1
    """Rate of dropout on attention probabilities, between the convolutions and behind each sublayer."""

    def output(self, source: Type) -> States:
        if not isinstance(source, Frames):
            raise Mismatch(f"a relative Transformer reads a sequence of vectors, and this is {source}")
        if self.kernel % 2 == 0:
            message = f"a kernel of {self.kernel} has no middle"
            raise Mismatch(message, at=("kernel",), help="choose an odd width")
        require_shares(self.dim, self.num_heads)
        return States(self.dim, rate=source.rate)
