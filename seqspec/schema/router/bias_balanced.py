"""Balance without a loss: Wang et al. (2024), "Auxiliary-Loss-Free Load Balancing Strategy for
Mixture-of-Experts", arXiv:2408.15664; as in DeepSeek-AI (2024), "DeepSeek-V3 Technical Report",
arXiv:2412.19437, section 2.1.2.
"""

from seqspec.schema.router._router import RouterConfig
from seqspec.schema.units import Count, NonNegative, Positive, PositiveFloat


class BiasBalancedConfig(RouterConfig):
    """A position goes to the ``k`` experts with the highest sigmoid score plus bias, weighted by the scores
    over their sum; after each step the bias of every expert with less than the mean load goes up, and down
    with more.
    """

    k: Positive = 2
    """Experts that a position goes to."""
    bias_rate: NonNegative = 0.001
    """What a bias moves by a step."""
    until_step: Count = 0
    """Last optimiser step that moves biases; 0 is no end."""
    scale: PositiveFloat = 1.0
    """What the weights are multiplied by; DeepSeek-V3 has 2.5."""
    balance_weight: NonNegative = 0.0001
    """Weight of the auxiliary output ``balance``, which keeps single sequences from going astray."""

    @property
    def choices(self) -> float:
        return float(self.k)

    def balances(self) -> dict[str, float]:
        return {"balance": self.balance_weight}
