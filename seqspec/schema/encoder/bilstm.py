"""Bidirectional LSTMs over frames or vectors: Graves and Schmidhuber (2005), "Framewise Phoneme
Classification with Bidirectional LSTM and Other Neural Network Architectures", Neural Networks 18(5).
"""

from typing import Annotated

from pydantic import Field

from seqspec.schema.config import Config, Mismatch
from seqspec.schema.encoder.conv_lstm import slower
from seqspec.schema.types import Frames, States, Type
from seqspec.schema.units import Dim, Layers, PositiveFloat, Probability, Real


class BilstmConfig(Config):
    """The plainest encoder of speech: frames are stacked to shorten them, then read in both directions."""

    num_layers: Layers = 3
    """LSTM layers, each with both directions."""
    dim: Dim = 320
    """State of one direction; the encoder gives twice as many features."""
    stack: Annotated[int, Field(ge=1, le=64)] = 1
    """Neighbouring frames that are put side by side and read as one."""
    dropout: Probability = 0.0
    """Dropout on the input of each layer and on the last one's output."""
    cell_cap: PositiveFloat | None = None
    """Clip each LSTM cell to this size at every step; left out, cells are free."""
    forget_bias: Real = 1.0
    """Bias of the forget gates at the start."""

    def output(self, source: Type) -> Type:
        if not isinstance(source, Frames):
            raise Mismatch(f"`bilstm` reads frames or embedded tokens, and gets {source}")
        return States(dim=2 * self.dim, stride=self.stack, rate=slower(source.rate, self.stack))
