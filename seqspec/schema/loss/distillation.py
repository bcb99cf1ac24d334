"""Distillation of distributions: Hinton et al. (2015), "Distilling the Knowledge in a Neural Network",
arXiv:1503.02531; of each token of a sequence, Kim & Rush (2016), "Sequence-Level Knowledge Distillation",
EMNLP, arXiv:1606.07947, section 3.1.
"""

from typing import ClassVar

from seqspec.schema.config import Mismatch
from seqspec.schema.loss._taught import TaughtLossConfig
from seqspec.schema.types import Counted, Logits, Type
from seqspec.schema.units import PositiveFloat


class DistillationConfig(TaughtLossConfig):
    """Kullback-Leibler divergence of the model's distribution from the teacher's, of each token or label;
    for scores at the states of a source (CTC), the mean over an example's states.
    """

    aligned: ClassVar[bool | None] = None

    temperature: PositiveFloat = 1.0
    """What both sides' logits are divided by; the loss is multiplied by its square, which keeps the size of
    gradients.
    """

    def output(self, source: Type) -> Type:
        if not isinstance(source, Logits) or source.factored or source.image:
            raise Mismatch(
                f"`distillation` compares logits over one vocabulary, and the model gives {source}",
                help="name an output with a plain head in `on`",
            )
        return source

    def counts(self, given: Type) -> Counted:
        """Targets; examples where scores stand at the states of a source."""
        if isinstance(given, Logits) and given.blank:
            return Counted("target", "examples")
        return super().counts(given)
