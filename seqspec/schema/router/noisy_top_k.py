"""Noisy top-k gating: Shazeer et al. (2017), "Outrageously Large Neural Networks: The Sparsely-Gated
Mixture-of-Experts Layer", ICLR, arXiv:1701.06538, section 2.1 and appendix A; the batch is a sequence.
"""

from seqspec.schema.config import Mismatch
from seqspec.schema.router._router import RouterConfig
from seqspec.schema.types import States, Type
from seqspec.schema.units import NonNegative, Positive


class NoisyTopKConfig(RouterConfig):
    """The softmax over the ``k`` highest scores weighs their experts; noise of a learned size is added while
    training.  Both layers start at zero.
    """

    k: Positive = 2
    """Experts that a position goes to; fewer than there are."""
    noise_floor: NonNegative = 0.01
    """What is added to the noise's standard deviation (Tensor2Tensor)."""
    importance_weight: NonNegative = 0.01
    """Weight of the auxiliary output ``importance``, the squared coefficient of variation of the experts'
    summed weights.
    """
    load_weight: NonNegative = 0.01
    """Weight of the auxiliary output ``load``, the same of a smooth count of each expert's positions."""

    @property
    def choices(self) -> float:
        return float(self.k)

    def output(self, source: Type) -> Type:
        if self.num_experts is not None and self.k >= self.num_experts:
            raise Mismatch(
                f"noise chooses {self.k} of {self.num_experts} experts, so nothing is chosen",
                at=("k",),
                help=f"set `k` below {self.num_experts}",
            )
        return super().output(source)

    def balances(self) -> dict[str, float]:
        return {"importance": self.importance_weight, "load": self.load_weight}

    def parameters(self, takes: dict[str, Type]) -> int:
        """Trainable parameters: scores and sizes of the noise."""
        source = takes["source"]
        assert isinstance(source, States)
        return 2 * source.dim * (self.num_experts or 0)
