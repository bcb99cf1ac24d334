"""Additive attention: Bahdanau et al. (2015), "Neural Machine Translation by Jointly Learning to Align and
Translate", arXiv:1409.0473, with several heads as in Chen et al. (2018), "The Best of Both Worlds",
arXiv:1804.09849.
"""

from seqspec.schema.attention._comparison import ComparisonConfig


class AdditiveConfig(ComparisonConfig):
    """A small network compares a query with each state; each head gives its own slice of the states."""

    @property
    def compared(self) -> int:
        """Width of the hidden layer that every pair of query and state leaves for the backward pass."""
        return self.dim or 0
