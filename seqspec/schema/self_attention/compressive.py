"""Compressive Transformer: Rae et al. (2020), "Compressive Transformers for Long-Range Sequence Modelling",
arXiv:1911.05507, sections 3.1 and 3.2.
"""

from __future__ import annotations

from typing import ClassVar

from seqspec.schema.config import Mismatch
from seqspec.schema.self_attention._self_attention import HeadsConfig
from seqspec.schema.types import States, Type
from seqspec.schema.units import NonNegative, Positive


class CompressiveConfig(HeadsConfig):
    """Transformer-XL whose oldest memory is not forgotten but compressed by a strided convolution.  Time and
    memory grow as length × (segment + memory + compressed), for a reach of memory + ``rate`` × compressed
    positions in every layer.  The memories last as long as a row, or with ``data.pack.sample: lanes`` a lane.
    """

    tells_places: ClassVar[bool] = True
    carries: ClassVar[bool] = True

    segment: Positive = 512
    """Positions of a segment."""
    memory: Positive = 512
    """Positions before a segment that it sees; at least a segment."""
    compressed: Positive = 512
    """Compressed positions before the memory that it sees."""
    rate: Positive = 3
    """Positions that are compressed to one; must divide segment and memory."""
    reconstruction_weight: NonNegative = 1.0
    """Weight of the auxiliary output ``reconstruction`` where no loss states one: how far attention over what
    was compressed is from attention over it before (algorithm 2); it teaches the convolution alone, and
    nothing else does.
    """

    def output(self, source: Type) -> States:
        states = self.one_way(source, what="its memory is the past")
        for name in ("segment", "memory"):
            if getattr(self, name) % self.rate:
                raise Mismatch(
                    f"a {name} of {getattr(self, name)} positions cannot be compressed {self.rate} to one",
                    at=(name,),
                    help=f"use a multiple of {self.rate}",
                )
        if self.memory < self.segment:
            raise Mismatch(
                f"a memory of {self.memory} positions does not hold a segment of {self.segment}",
                at=("memory",),
                help=f"use {self.segment} or more",
            )
        return states

    def auxiliary(self) -> dict[str, float]:
        """The loss of the compression, with its weight."""
        return {"reconstruction": self.reconstruction_weight}

    def span(self, length: float, *, dim: int) -> float:
        """What is seen, and the products with distances."""
        return 1.5 * (self.segment + self.memory + self.compressed)

    def kept(self, length: float, *, dim: int) -> float:
        """Probabilities and the scores of distances, and keys and values of both memories."""
        seen = self.segment + self.memory + self.compressed
        return 4.0 * (self.num_heads or 1) * seen + 4.0 * dim * seen / self.segment
