"""Switch routing: Fedus et al. (2022), "Switch Transformers: Scaling to Trillion Parameter Models with Simple
and Efficient Sparsity", JMLR, arXiv:2101.03961.
"""

from seqspec.schema.router._router import RouterConfig
from seqspec.schema.units import NonNegative, PositiveFloat


class SwitchConfig(RouterConfig):
    """Each position goes to its most probable expert, whose output is multiplied by the probability."""

    capacity: PositiveFloat | None = 1.25
    """Positions that an expert takes of a training sequence, in multiples of an equal share; later ones pass
    by.  Null, and evaluation, drop none.
    """
    balance_weight: NonNegative = 0.01
    """Weight of the auxiliary output ``balance``, equation 4: 1 where the load is even."""

    @property
    def choices(self) -> float:
        return 1.0

    def balances(self) -> dict[str, float]:
        return {"balance": self.balance_weight}
