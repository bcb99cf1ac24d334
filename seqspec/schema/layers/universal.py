"""What the Universal Transformer's encoder and decoder share."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from seqspec.schema.config import Mismatch
from seqspec.schema.layers.transformer import TransformerLayers
from seqspec.schema.units import NonNegative, Real

Share = Annotated[float, Field(gt=0, lt=1)]


class UniversalLayers(TransformerLayers):
    """One Transformer layer, applied ``num_layers`` times to every position: Dehghani et al. (2019),
    "Universal Transformers", arXiv:1807.03819.  The position and a learned vector of the step are added
    before each time.
    """

    halting: Literal["none", "adaptive"] = "none"
    """``adaptive``: each position stops by itself, after at most ``num_layers`` steps (Graves 2016,
    arXiv:1603.08983).
    """
    halting_threshold: Share | None = None
    """Sum of halting probabilities at which a position stops; left out, 0.99."""
    halting_bias: Real | None = None
    """Bias of the halting probability at the start; left out, 1."""
    halting_weight: NonNegative | None = None
    """Weight of the auxiliary output ``halting``, the mean number of steps, where no loss states one; left
    out, 0.01.
    """

    def auxiliary(self) -> dict[str, float]:
        """The cost of thinking longer, with its weight."""
        if self.halting == "none":
            return {}
        return {"halting": 0.01 if self.halting_weight is None else self.halting_weight}

    def repeats(self, weight: str) -> int:
        """How often a position goes through a weight of this name: the one layer is applied again and
        again.
        """
        return self.num_layers if weight.startswith("layer.") else 1

    def check(self) -> None:
        """Refuses settings that have no meaning together."""
        for field in ("halting_threshold", "halting_bias", "halting_weight"):
            if self.halting == "none" and getattr(self, field) is not None:
                raise Mismatch(
                    f"`{field}` has no meaning where no position halts",
                    at=(field,),
                    help="set `halting: adaptive`",
                )
        if self.positions not in ("none", "sinusoidal", "rotary"):
            raise Mismatch(
                f"a Universal Transformer cannot add positions `{self.positions}` at every step",
                at=("positions",),
                help="choose `sinusoidal`, `rotary` or `none`",
            )
        if self.feed_forward_kernel > 1:
            raise Mismatch(
                "a Universal Transformer's feed-forward network sees one position",
                at=("feed_forward_kernel",),
            )
