"""Transformer-XL: Dai et al. (2019), "Transformer-XL: Attentive Language Models beyond a Fixed-Length
Context", arXiv:1901.02860, sections 3.2 and 3.3.
"""

from __future__ import annotations

from typing import ClassVar

from seqspec.schema.self_attention._self_attention import HeadsConfig
from seqspec.schema.types import States, Type
from seqspec.schema.units import Positive


class TransformerXlConfig(HeadsConfig):
    """A row is read in segments; each position sees its segment so far and, without gradient, ``memory``
    positions before the segment, by their distance.  Time and memory grow as length × (segment + memory), and
    what lies farther back is reached through other layers only.  The memory begins empty at the start of each
    row, or with ``data.pack.sample: lanes`` at that of each lane.
    """

    tells_places: ClassVar[bool] = True
    carries: ClassVar[bool] = True

    segment: Positive = 512
    """Positions of a segment."""
    memory: Positive = 512
    """Positions before a segment that it sees."""

    def output(self, source: Type) -> States:
        return self.one_way(source, what="its memory is the past")

    def span(self, length: float, *, dim: int) -> float:
        """Half of the segment, the memory, and the products with distances."""
        return 1.5 * (self.segment + self.memory)

    def kept(self, length: float, *, dim: int) -> float:
        """Probabilities and the scores of distances, and keys and values of the memory."""
        seen = self.segment + self.memory
        return 4.0 * (self.num_heads or 1) * seen + 4.0 * dim * seen / self.segment
