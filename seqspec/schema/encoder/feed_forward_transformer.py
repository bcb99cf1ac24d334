"""Feed-forward Transformer: Ren et al. (2019), "FastSpeech: Fast, Robust and Controllable Text to Speech",
arXiv:1905.09263, section 3.1; the defaults are those of FastPitch (Łańcucki 2021, arXiv:2006.06873).
"""

from __future__ import annotations

from typing import Annotated, Literal

from seqspec.schema.config import Config, Flow, Mismatch
from seqspec.schema.types import Frames, States, Type
from seqspec.schema.units import Dim, InferredMark, Layers, Positive, Probability


class FeedForwardTransformerConfig(Config):
    """Self-attention and two convolutions a layer; heads may be narrower than the model."""

    dim: Dim = 384
    """Width of the model, in features."""
    num_layers: Layers = 6
    """Layers of the stack."""
    num_heads: Positive = 1
    """Attention heads."""
    head_dim: Annotated[Dim | None, InferredMark()] = None
    """Width of a head; left out, ``dim`` over the number of heads."""
    feed_forward_dim: Dim = 1536
    """Channels between the two convolutions."""
    kernel: Positive = 3
    """Width in positions of the first convolution; odd."""
    second_kernel: Positive = 3
    """Width in positions of the second convolution; odd."""
    norm: Literal["pre", "post"] = "post"
    """Layer normalisation before each sublayer, or after its residual sum."""
    dropout: Probability = 0.1
    """Rate of dropout on the input and on the output of each sublayer."""
    attention_dropout: Probability = 0.1
    """Rate of dropout on attention probabilities."""

    def wire(self, source: Type, flow: Flow) -> States:
        if not isinstance(source, Frames):
            raise Mismatch(f"a feed-forward Transformer reads a sequence of vectors, and this is {source}")
        for field in ("kernel", "second_kernel"):
            if getattr(self, field) % 2 == 0:
                message = f"a kernel of {getattr(self, field)} has no middle"
                raise Mismatch(message, at=(field,), help="choose an odd width")
        if self.head_dim is None:
            if self.dim % self.num_heads:
                raise Mismatch(
                    f"{self.num_heads} heads do not divide a width of {self.dim}",
                    at=("num_heads",),
                    help="choose another number, or state `head_dim`",
                )
            flow.derive("head_dim", self.dim // self.num_heads, "the width over the number of heads")
        return States(self.dim, rate=source.rate)
