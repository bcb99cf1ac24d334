"""Mamba-2: Dao & Gu (2024), "Transformers are SSMs: Generalized Models and Efficient Algorithms Through
Structured State Space Duality", arXiv:2405.21060, sections 6 and 7.
"""

from __future__ import annotations

from typing import ClassVar

from seqspec.schema.config import Mismatch
from seqspec.schema.self_attention._self_attention import SelfAttentionConfig
from seqspec.schema.types import States, Type
from seqspec.schema.units import Dim, Positive

CHUNK = 64
"""Positions whose pairs are compared one by one; what is before them is a state."""


class Mamba2Config(SelfAttentionConfig):
    """A state of fixed size in place of keys, which decays by what is read: no approximation of attention,
    but another layer.  Time and memory grow as length × ``state_dim``; in an encoder a second one reads
    backwards, each row from its own end.  With ``data.pack.sample: lanes`` a decoder's state goes on from row
    to row.
    """

    carries: ClassVar[bool] = True

    state_dim: Dim = 128
    """Numbers that the state keeps of each feature (the paper's N)."""
    head_dim: Dim = 64
    """Features that decay together (P); must divide ``expand`` × width."""
    expand: Positive = 2
    """Features of the state-space model for each feature of the layer."""
    kernel: Positive = 4
    """Width of the causal convolution before it, in positions."""

    def output(self, source: Type) -> States:
        if not isinstance(source, States):
            raise Mismatch(f"`mamba2` reads a sequence of vectors, and this is {source}")
        if self.expand * source.dim % self.head_dim:
            raise Mismatch(
                f"heads of {self.head_dim} features do not divide {self.expand} × {source.dim}",
                at=("head_dim",),
                help="choose a divisor, such as 32 or 64",
            )
        return source

    def span(self, length: float, *, dim: int) -> float:
        """The state, for each of ``expand`` features, and the pairs of a chunk."""
        return self.expand * (self.state_dim + CHUNK / 2)

    def kept(self, length: float, *, dim: int) -> float:
        """Gates and inputs, the pairs of a chunk for each head, and each chunk's state."""
        inner = self.expand * dim
        return 6.0 * inner + 2.0 * CHUNK * inner / self.head_dim + 2.0 * inner * self.state_dim / CHUNK
