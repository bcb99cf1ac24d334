"""Minus the log-probability of the target, summed over every alignment: Graves et al. (2006), ICML."""

from typing import Literal

from seqspec.schema.config import Config, Mismatch
from seqspec.schema.types import Logits, Type


class CtcConfig(Config):
    """The loss of models that score the vocabulary and a blank at each state of the source."""

    too_short: Literal["skip", "fail"] = "skip"
    """A source with too few states for its target counts as zero and is logged, or gives an infinite loss."""

    def output(self, source: Type) -> Type:
        if not isinstance(source, Logits) or not source.blank:
            raise Mismatch(
                f"`ctc` needs logits at each state of the source, and the model gives {source}",
                help="use `model: {type: ctc, …}`, or `loss: cross_entropy`",
            )
        return source
