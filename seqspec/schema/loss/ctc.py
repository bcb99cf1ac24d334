"""Minus the log-probability of the target, summed over every alignment: Graves et al. (2006), ICML."""

from typing import ClassVar, Literal

from seqspec.schema.config import Mismatch
from seqspec.schema.loss._loss import LossConfig
from seqspec.schema.types import Counted, Logits, Type


class CtcConfig(LossConfig):
    """The loss of models that score the vocabulary and a blank at each state of the source."""

    aligned: ClassVar[bool | None] = True

    too_short: Literal["skip", "fail"] = "skip"
    """A source with too few states for its target is left out of the mean and counted, or gives an infinite
    loss.
    """

    def output(self, source: Type) -> Type:
        if not isinstance(source, Logits) or not source.blank:
            raise Mismatch(
                f"`ctc` needs logits at each state of the source, and the model gives {source}",
                help="use `model: {type: ctc, …}`, or `loss: cross_entropy`",
            )
        return source

    def counts(self, given: Type) -> Counted:
        """No end symbol is learned."""
        return Counted("target", "tokens")
