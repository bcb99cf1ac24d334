"""Expert choice: Zhou et al. (2022), "Mixture-of-Experts with Expert Choice Routing", NeurIPS,
arXiv:2202.09368; the batch is a sequence.
"""

from seqspec.schema.config import Mismatch
from seqspec.schema.router._router import RouterConfig
from seqspec.schema.types import States, Type
from seqspec.schema.units import PositiveFloat


class ExpertChoiceConfig(RouterConfig):
    """Each expert takes the positions of a sequence that it is most probable for, equally many each; a
    position may go to none or to all.

    It looks at the whole sequence, so no decoder can have it.
    """

    capacity: PositiveFloat = 2.0
    """Experts that a position goes to on average."""

    @property
    def choices(self) -> float:
        return self.capacity

    def output(self, source: Type) -> Type:
        if isinstance(source, States) and source.causal:
            raise Mismatch(
                "experts that choose among all positions look ahead, and a decoder may not",
                help="use router `top_two`, `switch`, `noisy_top_k` or `bias_balanced` here",
            )
        return super().output(source)

    def balances(self) -> dict[str, float]:
        return {}
