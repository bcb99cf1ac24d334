"""Convolutions, then bidirectional LSTMs: the encoder of Lingvo's "Listen, Attend and Spell" (Chan et al.
2015, arXiv:1508.01211; Shen et al. 2019, "Lingvo", arXiv:1902.08295).
"""

from fractions import Fraction
from typing import Annotated, Literal

from pydantic import Field

from seqspec.schema.config import Config, Mismatch
from seqspec.schema.layers.convolution_cost import Shortening
from seqspec.schema.streaming import Obstacle, Streams, ahead_of_strides
from seqspec.schema.types import Frames, States, Type
from seqspec.schema.units import Dim, Later, Layers, PositiveFloat, Probability, Real

Stride = Annotated[int, Field(ge=1, le=16)]
Decay = Annotated[float, Field(gt=0, lt=1)]


class ConvLstmConfig(Config):
    """Shortens the frames by 3 × 3 convolutions with batch normalisation and ReLU, then reads them in both
    directions.
    """

    channels: list[Dim] = [32, 32]
    """Output channels of each convolution."""
    time_strides: list[Stride] = [2, 2]
    """Stride over time of each convolution; their product is how much shorter the sequence gets."""
    bin_strides: list[Stride] = [2, 2]
    """Stride over frequency of each convolution."""
    num_layers: Layers = 4
    """LSTM layers, each with both directions unless ``bidirectional`` is false."""
    dim: Dim = 1024
    """State of one direction; with both the encoder gives twice as many features."""
    projection: Literal["batch_norm_relu", "none"] = "batch_norm_relu"
    """What stands between two LSTM layers: a square projection with batch normalisation and ReLU, or
    nothing."""
    dropout: Probability = 0.0
    """Dropout on the output of the convolutions and of each LSTM layer."""
    cell_cap: PositiveFloat | None = None
    """Clip each LSTM cell to this size at every step; left out, cells are free."""
    forget_bias: Real = 0.0
    """Bias of the forget gates at the start."""
    init_range: PositiveFloat | None = None
    """Draw LSTM weights uniformly from ± this; left out, Glorot from the input and orthogonal from the
    state."""
    conv_init_std: PositiveFloat | None = None
    """Draw convolution kernels from a normal distribution of this deviation; left out, after He et al.
    (2015)."""
    batch_norm_decay: Decay = 0.99
    """Decay of the running mean and variance of batch normalisation."""
    bidirectional: Annotated[bool, Later] = True
    """Read backwards as well; ``false`` lets the encoder follow a recording while it is spoken."""

    def output(self, source: Type) -> Type:
        if not isinstance(source, Frames):
            raise Mismatch(
                f"the convolutions of `conv_lstm` run over time and frequency, and get {source}",
                help="for text use `lstm` or `transformer`",
            )
        for field in ("time_strides", "bin_strides"):
            if len(getattr(self, field)) != len(self.channels):
                given, needed = len(getattr(self, field)), len(self.channels)
                message = f"`{field}` has {given} entries and `channels` has {needed}: one each is needed"
                raise Mismatch(message, at=(field,))
        rate = slower(source.rate, self.stride)
        return States(dim=self.num_directions * self.dim, stride=self.stride, rate=rate)

    @property
    def num_directions(self) -> int:
        """Directions of each LSTM layer."""
        return 2 if self.bidirectional else 1

    def streaming(self, source: Type) -> Streams | Obstacle:
        """In one direction, a state at a time."""
        if self.bidirectional:
            return Obstacle(
                "its LSTMs read backwards from the end", "set `bidirectional: false`", ("bidirectional",)
            )
        return Streams(self.stride, ahead_of_strides(self.time_strides))

    def shortening(self) -> Shortening:
        """The convolutions that the encoder begins with."""
        return Shortening(self.channels, self.bin_strides, self.time_strides, kept=4)

    @property
    def stride(self) -> int:
        """Frames that one state stands for."""
        stride = 1
        for by in self.time_strides:
            stride *= by
        return stride


def slower(rate: Fraction | int, stride: int) -> Fraction | int:
    """Steps a second where one in ``stride`` is kept."""
    given = Fraction(rate) / stride
    return given.numerator if given.denominator == 1 else given
