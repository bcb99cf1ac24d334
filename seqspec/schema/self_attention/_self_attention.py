"""What stands in place of full self-attention in the layers of a Transformer."""

from __future__ import annotations

from typing import Annotated, ClassVar

from seqspec.schema.config import Config, Mismatch
from seqspec.schema.layers.shares import require_shares
from seqspec.schema.types import States, Type
from seqspec.schema.units import Count, InferredMark, Positive, Probability


class SelfAttentionConfig(Config):
    """Mixes the positions of one sequence."""

    keeps_documents_apart: ClassVar[bool] = False
    """Whether packed documents of one row do not see each other."""

    read_beside: ClassVar[tuple[str, ...]] = ("full_every",)
    """Fields that the layers read, not the attention itself."""
    tells_places: ClassVar[bool] = False
    """Whether it tells places apart by itself, so that a layer needs no ``positions``."""

    carries: ClassVar[bool] = False
    """Whether it goes on from one packed row to the next, where rows stand in lanes
    (``data.pack.sample``).
    """
    full_every: Count = 0
    """The last of every so many layers keeps full attention; 0: none does."""

    def has_layer(self, index: int) -> bool:
        """Whether the layer of a number, from 0, gives up its full attention."""
        return not self.full_every or (index + 1) % self.full_every != 0

    def longest(self) -> tuple[str, int] | None:
        """The field that limits the length of an input, and the limit; ``None`` where nothing does."""
        return None

    def span(self, length: float, *, dim: int) -> float:
        """Positions whose comparison with a query costs as much as what a query does here, on average, in an
        input of ``length``.
        """
        return length

    def kept(self, length: float, *, dim: int) -> float:
        """Numbers a position that a layer keeps for the backward pass, beyond those of full attention."""
        return 0.0


class HeadsConfig(SelfAttentionConfig):
    """Heads with queries, keys and values, as those of full attention."""

    num_heads: Annotated[Positive | None, InferredMark()] = None
    """Heads, which must divide the width; left out, the layer's."""
    bias: Annotated[bool | None, InferredMark()] = None
    """Give the linear layers a bias; left out, the layer's."""
    dropout: Annotated[Probability | None, InferredMark()] = None
    """Rate of dropout on attention probabilities; left out, the layer's ``attention_dropout``."""
    rotary: Annotated[bool | None, InferredMark()] = None
    """Turn queries and keys by their position; left out, whether the layers' ``positions`` are ``rotary``."""

    def states(self, source: Type) -> States:
        """The states that are read.  Raises ``Mismatch`` where the heads do not divide their width."""
        if not isinstance(source, States):
            raise Mismatch(f"self-attention reads a sequence of vectors, and this is {source}")
        heads = self.num_heads or 1
        require_shares(source.dim, heads)
        if self.rotary and source.dim // heads % 2:
            raise Mismatch(
                f"rotary positions turn pairs of features, and a head has {source.dim // heads}",
                at=("num_heads",) if "num_heads" in self.model_fields_set else ("rotary",),
            )
        return source

    def two_ways(self, source: Type, *, what: str) -> States:
        """The states that are read, of an encoder.  Raises ``Mismatch`` in a decoder."""
        states = self.states(source)
        if states.causal:
            raise Mismatch(
                f"`{self.component[1]}` cannot be causal: {what}",
                help="in a decoder use `sliding_window`, `linear`, `performer`, `mamba2` or full attention",
            )
        return states

    def one_way(self, source: Type, *, what: str) -> States:
        """The states that are read, of a decoder.  Raises ``Mismatch`` in an encoder."""
        states = self.states(source)
        if not states.causal:
            raise Mismatch(
                f"`{self.component[1]}` only reads from left to right: {what}",
                help="in an encoder use `sliding_window`, `bigbird`, `linformer`, `linear` or `performer`",
            )
        return states

    def without_dropout(self) -> None:
        """Raises ``Mismatch`` where probabilities would be dropped and there are none."""
        if self.dropout:
            raise Mismatch(
                f"`{self.component[1]}` has no attention probabilities that could be dropped",
                at=("dropout",) if "dropout" in self.model_fields_set else (),
                help="set the layer's `attention_dropout: 0.0`, which drops nothing",
            )
