"""Linformer: Wang et al. (2020), "Linformer: Self-Attention with Linear Complexity", arXiv:2006.04768,
section 4.
"""

from __future__ import annotations

from typing import Literal

from seqspec.schema.self_attention._self_attention import HeadsConfig
from seqspec.schema.types import States, Type
from seqspec.schema.units import Positive


class LinformerConfig(HeadsConfig):
    """Approximates full attention by softmax over ``num_slots`` learned mixtures of all keys and of all
    values.  Time and memory grow as length × ``num_slots``; it knows no order of time, so there is no causal
    form and no decoding, and no input may be longer than ``max_length``.
    """

    max_length: Positive
    """Longest input, in positions; the mixtures are learned for each."""
    num_slots: Positive = 256
    """Mixtures of keys and values (the paper's k)."""
    sharing: Literal["heads", "keys_values"] = "heads"
    """One projection of keys and one of values for all heads, or the same one for both (section 4)."""

    def output(self, source: Type) -> States:
        return self.two_ways(source, what="every mixture of keys holds the future")

    def longest(self) -> tuple[str, int] | None:
        return "max_length", self.max_length

    def span(self, length: float, *, dim: int) -> float:
        """The slots, and mixing keys and values into them."""
        return 2.0 * self.num_slots
