"""Top-2 routing of GShard: Lepikhin et al. (2021), "GShard: Scaling Giant Models with Conditional Computation
and Automatic Sharding", ICLR, arXiv:2006.16668, section 2.2; the group is a sequence.
"""

from typing import Literal

from seqspec.schema.router._router import RouterConfig
from seqspec.schema.units import NonNegative, PositiveFloat


class TopTwoConfig(RouterConfig):
    """Each position goes to its two most probable experts, weighted by their probabilities over the sum of
    the two.
    """

    capacity: PositiveFloat | None = 1.25
    """Choices that an expert takes of a training sequence, in multiples of an equal share; first choices go
    before second ones, in a causal stack earlier positions before later ones.  Null, and evaluation, drop
    none.
    """
    second: Literal["always", "random"] = "always"
    """``random``: in training the second expert is used with twice its weight as the chance."""
    balance_weight: NonNegative = 0.01
    """Weight of the auxiliary output ``balance``, over first choices: 1 where the load is even."""

    @property
    def choices(self) -> float:
        return 2.0

    def balances(self) -> dict[str, float]:
        return {"balance": self.balance_weight}
