"""What attentions share that compare a query with states, in one width, head by head."""

from collections.abc import Mapping
from typing import Annotated

from seqspec.schema.config import Config, Flow, Mismatch
from seqspec.schema.types import States, Type, Vector
from seqspec.schema.units import Dim, InferredMark, Positive


class ComparisonConfig(Config):
    """Heads, and the width that they share."""

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
