"""BigBird: Zaheer et al. (2020), "Big Bird: Transformers for Longer Sequences", arXiv:2007.14062, section 2
and appendix D; internal global tokens.
"""

from __future__ import annotations

from seqspec.schema.self_attention._self_attention import HeadsConfig
from seqspec.schema.types import States, Type
from seqspec.schema.units import Count, Positive

FIXED = 5
"""Blocks that a block sees beside its random ones: the first, the last, itself and its neighbours."""


class BigbirdConfig(HeadsConfig):
    """Each block of positions sees its neighbours, the first and the last block, and random others, exactly;
    the first and the last block see all.  Time and memory grow as length × block × (5 + random blocks); an
    input of few blocks is seen whole.
    """

    block: Positive = 64
    """Positions of a block."""
    num_random: Count = 3
    """Random blocks that a head sees from each block.  They follow from the seed, the layer, the head and the
    number of blocks of the row, the same in training and evaluation.
    """

    def output(self, source: Type) -> States:
        return self.two_ways(source, what="its last block is seen by all")

    def span(self, length: float, *, dim: int) -> float:
        """Blocks that are seen, and the share of the first and the last block, which see all."""
        return min(length, self.block * (FIXED + self.num_random)) + 2.0 * min(self.block, length)

    def kept(self, length: float, *, dim: int) -> float:
        """Keys and values of the blocks that each block sees."""
        return 2.0 * dim * (FIXED + self.num_random)
