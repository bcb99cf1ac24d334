"""FAVOR+: Choromanski et al. (2021), "Rethinking Attention with Performers", arXiv:2009.14794, sections 2.3
and 2.4; without its epsilon, with another stabiliser: see the module.
"""

from __future__ import annotations

import math
from typing import Annotated, Literal

from seqspec.schema.config import Flow
from seqspec.schema.self_attention._self_attention import HeadsConfig
from seqspec.schema.self_attention.linear import CHUNK
from seqspec.schema.types import States, Type
from seqspec.schema.units import Count, InferredMark, Positive


class PerformerConfig(HeadsConfig):
    """Approximates softmax attention without bias by random features of queries and keys; the error grows
    with their norms, so it is no drop-in for layers that were trained with softmax.  Time and memory grow as
    length × ``num_features``, and a decoder keeps one matrix a head whatever it has read.
    """

    kernel: Literal["softmax", "relu"] = "softmax"
    """Positive random features of the exponential, or ``relu(x) + 0.001`` without anything random
    (generalised attention), which approximates nothing and often trains better.
    """
    num_features: Annotated[Positive | None, InferredMark()] = None
    """Random features a head; left out, d ln d of the head's width d (Theorem 4)."""
    redraw_every_steps: Count = 0
    """Optimiser steps after which the random features are drawn anew (section 4.2); 0: never."""

    def wire(self, source: Type, flow: Flow) -> States:
        states = self.states(source)
        self.without_dropout()
        if self.kernel == "softmax" and self.num_features is None:
            width = states.dim // (self.num_heads or 1)
            flow.derive("num_features", max(1, int(width * math.log(width))), "d ln d of a head's width d")
        return states

    def features(self, *, dim: int) -> int:
        """Features a head of states of a width."""
        width = dim // (self.num_heads or 1)
        return width if self.kernel == "relu" else self.num_features or width

    def span(self, length: float, *, dim: int) -> float:
        """Sums are as wide as the features, which themselves are products."""
        return 2 * self.features(dim=dim) + CHUNK / 2

    def kept(self, length: float, *, dim: int) -> float:
        """Features of queries and keys and their exponents, the pairs of a chunk, and each chunk's sum."""
        heads, features = self.num_heads or 1, self.features(dim=dim)
        return 6.0 * features * heads + CHUNK * heads + 2.0 * features * dim / CHUNK
