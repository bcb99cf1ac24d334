"""Linear attention: Katharopoulos et al. (2020), "Transformers are RNNs: Fast Autoregressive Transformers
with Linear Attention", arXiv:2006.16236, section 3.2.
"""

from seqspec.schema.self_attention._self_attention import HeadsConfig
from seqspec.schema.types import States, Type

CHUNK = 64
"""Positions that are compared one by one where only the past is seen."""


class LinearConfig(HeadsConfig):
    """Softmax's exponential of an inner product becomes an inner product of ``elu(x) + 1``: another
    similarity, not an approximation of softmax.  Time grows as length × head width, and a decoder keeps one
    matrix a head whatever it has read.
    """

    def output(self, source: Type) -> States:
        states = self.states(source)
        self.without_dropout()
        return states

    def span(self, length: float, *, dim: int) -> float:
        """Sums are as wide as a head."""
        return dim / (self.num_heads or 1) + CHUNK / 2

    def kept(self, length: float, *, dim: int) -> float:
        """Features of queries and keys, the pairs of a chunk, and each chunk's sum."""
        return 4.0 * dim + CHUNK * (self.num_heads or 1) + 2.0 * dim * dim / (self.num_heads or 1) / CHUNK
