"""Additive attention: Bahdanau et al. (2015), "Neural Machine Translation by Jointly Learning to Align and
Translate", arXiv:1409.0473, with several heads as in Chen et al. (2018), "The Best of Both Worlds",
arXiv:1804.09849.
"""

from collections.abc import Mapping
from typing import Annotated

from seqspec.schema.config import Config, Flow, Mismatch
from seqspec.schema.types import States, Type, Vector
from seqspec.schema.units import Dim, InferredMark, Positive


class AdditiveConfig(Config):
    """A small network compares a query with each state; each head gives its own slice of the states."""

    num_heads: Positive = 1
    """Heads, which must divide ``dim`` and the width of the memory."""
    dim: Annotated[Dim | None, InferredMark()] = None
    """Width in which queries and states are compared, over all heads; left out, that of the query."""

    def wire(self, source: Mapping[str, Type], flow: Flow) -> Vector:
        query, memory = source["query"], source["memory"]
        assert isinstance(query, Vector)
        if not isinstance(memory, States):
            raise Mismatch(
                f"attention needs an encoder's states, and this is {memory}", help="leave the attention out"
            )
        dim = self.dim or flow.derive("dim", query.dim, "the query's width")
        for width, what in ((dim, "comparison"), (memory.dim, "memory")):
            if width % self.num_heads:
                raise Mismatch(
                    f"{self.num_heads} heads do not divide a {what} of width {width}", at=("num_heads",)
                )
        return Vector(memory.dim)
