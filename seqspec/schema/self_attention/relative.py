"""Relative attention of Music Transformer: Huang et al. (2018), "Music Transformer: Generating Music with
Long-Term Structure", arXiv:1809.04281, section 3.4.
"""

from __future__ import annotations

from typing import ClassVar

from seqspec.schema.self_attention._self_attention import HeadsConfig
from seqspec.schema.types import States, Type
from seqspec.schema.units import Positive


class RelativeConfig(HeadsConfig):
    """Each position sees all before it, by what stands there and by its distance: a query is compared with a
    learned vector of each distance too.  Time grows as the length's square, memory for distances as the
    length (their skewing).
    """

    keeps_documents_apart: ClassVar[bool] = True
    tells_places: ClassVar[bool] = True

    max_distance: Positive = 512
    """Distances that are told apart in each head; all that are farther share the last one's vector."""

    def output(self, source: Type) -> States:
        return self.one_way(source, what="its distances are those to positions before")

    def span(self, length: float, *, dim: int) -> float:
        """All positions, and their distances, which are a third product beside the two of content."""
        return 1.5 * length

    def kept(self, length: float, *, dim: int) -> float:
        """Scores of distances."""
        return 2.0 * (self.num_heads or 1) * length
