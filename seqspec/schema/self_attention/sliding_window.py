"""Sliding-window attention: Beltagy et al. (2020), "Longformer: The Long-Document Transformer",
arXiv:2004.05150, section 3.1.
"""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from seqspec.schema.config import Mismatch
from seqspec.schema.self_attention._self_attention import HeadsConfig
from seqspec.schema.types import States, Type
from seqspec.schema.units import Count, Positive


class SlidingWindowConfig(HeadsConfig):
    """Each position sees its neighbours and the global tokens, exactly; what is farther it sees through other
    layers only.  Time and memory grow as length × (window + global tokens).
    """

    keeps_documents_apart: ClassVar[bool] = True

    window: Positive = 512
    """Keys beside a query's own: half of them on each side, or all of them before it in a decoder (Mistral's
    ``sliding_window`` counts the query too and is one more).
    """
    dilations: Annotated[list[Positive], Field(min_length=1, max_length=1024)] = [1]
    """Distance from one key of the window to the next: one for all heads, or one for each."""
    global_tokens: Count = 0
    """First positions that all see, and that see all; in an encoder with projections of their own."""

    def output(self, source: Type) -> States:
        states = self.states(source)
        if not states.causal and self.window % 2:
            raise Mismatch(
                f"a window of {self.window} keys cannot lie half on each side",
                at=("window",),
                help="use an even number",
            )
        if len(self.dilations) not in (1, self.num_heads):
            raise Mismatch(
                f"{len(self.dilations)} dilations, and there are {self.num_heads} heads",
                at=("dilations",),
                help="give one for all heads, or one for each",
            )
        return states

    def sides(self, *, causal: bool) -> tuple[int, int]:
        """Keys of the window before and after a query's own."""
        return (self.window, 0) if causal else (self.window // 2, self.window // 2)

    def span(self, length: float, *, dim: int) -> float:
        """The window in whole blocks, as it is worked out."""
        return min(length, 3.0 * self.window / 2) + self.global_tokens

    def kept(self, length: float, *, dim: int) -> float:
        """Each block's own keys and values, with their neighbours'."""
        return 4.0 * dim if length > self.window else 0.0
