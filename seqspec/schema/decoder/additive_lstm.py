"""LSTM decoder with additive attention: Chan et al. (2015), "Listen, Attend and Spell", arXiv:1508.01211; the
attention is that of Bahdanau et al. (2015), arXiv:1409.0473, with Chorowski et al. (2015), arXiv:1506.07503,
for its memory of where it looked.
"""

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from seqspec.schema.config import Config, Flow, Mismatch
from seqspec.schema.slot import Slot
from seqspec.schema.types import States, Tokens, Type
from seqspec.schema.units import Dim, InferredMark, Layers, PositiveFloat, Probability, Real

Filters = Annotated[int, Field(ge=0, le=4096)]
Width = Annotated[int, Field(ge=1, le=4097)]


class AdditiveLstmConfig(Config):
    """The first layer's output asks the attention; layers above, and the head, see the answer beside the
    layer below.
    """

    embedding: Annotated[Config, Slot("embedding")] = Field(default="lookup", validate_default=True)
    """How target ids become vectors; their width is ``dim`` unless it is given."""
    num_layers: Layers = 2
    """LSTM layers."""
    dim: Dim = 1024
    """State of one layer; the head reads this and the encoder's width side by side."""
    attention_dim: Dim = 128
    """Width in which queries and states are compared."""
    location_filters: Filters = 0
    """Filters over the attention of the step before, which let it move on from where it was; 0 compares
    contents alone."""
    location_width: Annotated[Width | None, InferredMark()] = None
    """States that one such filter sees; an odd number, 31 where there are filters."""
    dropout: Annotated[Probability | None, InferredMark()] = None
    """Dropout on the embedding and on what the head reads; left out, the encoder's."""
    cell_cap: PositiveFloat | None = None
    """Clip each LSTM cell to this size at every step; left out, cells are free."""
    forget_bias: Real = 0.0
    """Bias of the forget gates at the start."""
    init_range: PositiveFloat | None = None
    """Draw LSTM weights uniformly from ± this; left out, Glorot from the input and orthogonal from the
    state."""

    @property
    def compared(self) -> int:
        """Width of the hidden layer that every pair of query and state leaves for the backward pass."""
        return self.attention_dim

    def wire(self, source: Mapping[str, Type], flow: Flow) -> Type:
        target, memory = source["target"], source.get("memory")
        if not isinstance(target, Tokens):
            raise Mismatch(f"`additive_lstm` writes tokens, and the target is {target}")
        if not isinstance(memory, States):
            raise Mismatch("`additive_lstm` attends to an encoder's states, and there is no encoder")
        if self.dropout is None:
            flow.derive("dropout", 0.0, "no dropout is given for the encoder either")
        self._settle_location(flow)
        if getattr(self.embedding, "dim", None) is None:
            flow.node("embedding", target, dim=(self.dim, "the decoder's width"))
        else:
            flow.node("embedding", target)
        return States(dim=self.dim + memory.dim, causal=True)

    def _settle_location(self, flow: Flow) -> None:
        if not self.location_filters:
            if self.location_width is not None:
                raise Mismatch(
                    "`location_width` has no meaning without `location_filters`", at=("location_width",)
                )
            return
        width = self.location_width or flow.derive(
            "location_width", 31, "the width in use since Chorowski et al."
        )
        if width % 2 == 0:
            raise Mismatch(
                f"a filter over {width} states has no middle",
                at=("location_width",),
                help="use an odd number",
            )
