"""Focal loss: Lin et al. (2017), "Focal Loss for Dense Object Detection", arXiv:1708.02002, equation 4."""

from seqspec.schema.config import Mismatch
from seqspec.schema.loss._loss import ClassWeights, LossConfig, require_classes
from seqspec.schema.types import Logits, Type
from seqspec.schema.units import NonNegative


class FocalConfig(LossConfig):
    """Cross entropy in which targets that are probable already count less: ``-(1 - p)^gamma log p``."""

    gamma: NonNegative = 2.0
    """How much less; 0 is cross entropy, 2 is the paper's."""
    class_weights: ClassWeights | None = None
    """The alpha of the paper: weight of each class by its label (1 for those not named), or ``balanced``: the
    less frequent, the heavier, with mean 1 over the training split.  The sum is divided by the number of
    examples all the same.
    """

    def output(self, source: Type) -> Type:
        if not isinstance(source, Logits) or source.blank or source.factored:
            raise Mismatch(
                f"a focal loss needs a score of every class, and the model gives {source}",
                help="use loss `cross_entropy`, or `ctc` for scores with a blank",
            )
        require_classes(self.class_weights, source)
        return source
