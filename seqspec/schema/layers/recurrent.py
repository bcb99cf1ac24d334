"""What the recurrent encoder and decoder share."""

from typing import Literal

from seqspec.schema.config import Config, Mismatch
from seqspec.schema.units import Dim, Layers, Positive, PositiveFloat, Probability, Real


class RecurrentLayers(Config):
    """A stack of recurrent layers: Hochreiter & Schmidhuber (1997); Cho et al. (2014), arXiv:1406.1078."""

    cell: Literal["lstm", "layer_norm_lstm", "gru"] = "lstm"
    """Kind of cell; ``layer_norm_lstm`` normalises each gate (Ba et al. 2016, arXiv:1607.06450)."""
    num_layers: Layers = 2
    """Layers of the stack."""
    dim: Dim = 512
    """Width of the state of one layer and direction."""
    projected_dim: Dim | None = None
    """Width that an LSTM's output is projected to before it is fed back (Sak et al. 2014, arXiv:1402.1128).
    """
    residual_from: Positive | None = None
    """First layer, counted from 1, that adds its input to its output; left out, none does."""
    dropout: Probability = 0.0
    """Rate of dropout on the input of every layer."""
    output_dropout: Probability = 0.0
    """Rate of dropout on the output of the last layer."""
    forget_bias: Real = 0.0
    """Bias of an LSTM's forget gates at the start."""
    init_range: PositiveFloat | None = None
    """Draw weights uniformly from ± this; left out, Glorot's values."""

    @property
    def output_dim(self) -> int:
        """Width of what one layer and direction gives."""
        return self.projected_dim or self.dim

    def check(self) -> None:
        """Refuses settings that have no meaning together."""
        if self.cell == "gru" and self.projected_dim is not None:
            raise Mismatch(
                "a GRU has no projection", at=("projected_dim",), help="take it out, or choose an LSTM cell"
            )
        if self.cell == "gru" and self.forget_bias:
            raise Mismatch(
                "a GRU has no forget gate", at=("forget_bias",), help="take it out, or choose an LSTM cell"
            )
        if self.residual_from is not None and self.residual_from > self.num_layers:
            raise Mismatch(
                f"the stack has {self.num_layers} layers, and residuals begin at layer {self.residual_from}",
                at=("residual_from",),
            )
