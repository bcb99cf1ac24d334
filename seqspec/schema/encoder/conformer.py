"""Conformer encoder: Gulati et al. (2020), "Conformer: Convolution-augmented Transformer for Speech
Recognition", arXiv:2005.08100.
"""

from typing import Annotated, Literal

from pydantic import Field

from seqspec.schema.config import Config, Mismatch
from seqspec.schema.encoder.conv_lstm import slower
from seqspec.schema.layers.chunks import require_chunks
from seqspec.schema.layers.convolution_cost import Shortening
from seqspec.schema.layers.shares import require_shares
from seqspec.schema.streaming import Obstacle, Streams, ahead_of_strides
from seqspec.schema.types import Frames, States, Type
from seqspec.schema.units import Count, Dim, Later, Layers, Positive, Probability

Kernel = Annotated[int, Field(ge=1, le=1023)]


class ConformerConfig(Config):
    """Shortens the frames by 3 × 3 convolutions, then mixes attention, which sees all, with convolution,
    which sees near.
    """

    num_layers: Layers = 16
    """Conformer blocks."""
    dim: Dim = 256
    """Width of the model, in features."""
    num_heads: Positive = 4
    """Attention heads; they divide ``dim``."""
    feed_forward_dim: Dim = 1024
    """Width inside each of a block's two feed-forward modules."""
    kernel: Kernel = 31
    """States that the depthwise convolution sees; an odd number."""
    subsampling: Literal[1, 2, 4, 8] = 4
    """How much shorter the convolutions make the sequence; each of them halves it."""
    subsampling_channels: Dim | None = None
    """Channels of these convolutions; left out, ``dim``."""
    dropout: Probability = 0.1
    """Dropout on the input and on what each module adds."""
    attention_dropout: Probability = 0.0
    """Dropout on attention weights."""
    chunk: Annotated[Positive | None, Later] = None
    """States that are worked on together: attention sees those of its own chunk and some before it, so that
    the encoder can follow a recording while it is spoken; left out, attention sees everything."""
    left_context: Annotated[Count | None, Later] = None
    """States before its chunk that attention sees; left out, all of them."""
    dynamic_chunk: Annotated[Positive | None, Later] = None
    """Train half of the batches with sight of everything and the others with chunks of 1 to so many
    states, drawn for each batch (Zhang et al. 2020, arXiv:2012.05481); left out, all with ``chunk``."""
    causal: Annotated[bool, Later] = False
    """The depthwise convolution sees a state and those before it, in place of as many on either side."""

    def output(self, source: Type) -> Type:
        if not isinstance(source, Frames):
            raise Mismatch(
                f"a conformer reads frames, and gets {source}", help="for text use `type: transformer`"
            )
        require_shares(self.dim, self.num_heads, even=True)
        if self.kernel % 2 == 0:
            raise Mismatch(
                f"a kernel of {self.kernel} has no middle", at=("kernel",), help="use an odd number"
            )
        require_chunks(self)
        if self.chunk is not None and not self.causal:
            ahead = self.kernel // 2
            raise Mismatch(
                f"a kernel of {self.kernel} sees {ahead} states ahead in every block, beyond the chunk",
                at=("chunk",),
                help="set `causal: true`",
            )
        return States(dim=self.dim, stride=self.subsampling, rate=slower(source.rate, self.subsampling))

    def shortening(self) -> Shortening:
        """The convolutions that the encoder begins with."""
        halved = [2] * (self.subsampling.bit_length() - 1)
        return Shortening([self.subsampling_channels or self.dim] * len(halved), halved, halved)

    def streaming(self, source: Type) -> Streams | Obstacle:
        """By chunks, behind a causal convolution."""
        if self.chunk is None:
            return Obstacle(
                "its attention sees the whole recording", "set `chunk: 16` and `causal: true`", ("chunk",)
            )
        ahead = ahead_of_strides(self.shortening().time_strides)
        return Streams(self.chunk * self.subsampling, ahead, asked=True)

    @property
    def attention_layers(self) -> int:
        """Layers that compare every state with every other."""
        return self.num_layers

    def activations(self, *, dim: int, crossed: bool) -> int:
        """Numbers a state that all blocks keep for the backward pass; each feeds forward twice and
        convolves.
        """
        return self.num_layers * (20 * dim + 4 * self.feed_forward_dim)
