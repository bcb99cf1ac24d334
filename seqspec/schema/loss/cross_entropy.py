"""Cross entropy between the target and the head's distribution."""

from typing import Annotated, ClassVar

from seqspec.schema.config import Mismatch
from seqspec.schema.loss._loss import ClassWeights, LossConfig, require_classes
from seqspec.schema.types import Logits, PixelLogits, Type
from seqspec.schema.units import Later, NonNegative, Probability


class CrossEntropyConfig(LossConfig):
    """Negative log-likelihood a target, smoothed if asked for; of masks the mean over an image's pixels that
    have a class.
    """

    soft_targets: ClassVar[bool] = True

    label_smoothing: Probability = 0.0
    """Probability that moves from the target to all of the vocabulary evenly (Szegedy et al. 2016, section
    7).
    """
    z_loss: NonNegative = 0.0
    """Weight of the square of the log-normaliser, which keeps logits small."""
    class_weights: Annotated[ClassWeights | None, Later] = None
    """Weight of each class by its label (1 for those not named), or ``balanced``: the less frequent, the
    heavier, with mean 1 over the training split.  The sum is divided by the number of examples all the same.
    """

    def output(self, source: Type) -> Type:
        if isinstance(source, PixelLogits):
            require_classes(self.class_weights, source)
            return source
        if not isinstance(source, Logits):
            raise Mismatch(f"cross entropy needs logits, and the model gives {source}")
        require_classes(self.class_weights, source)
        if source.factored and (self.label_smoothing or self.z_loss):
            field = "label_smoothing" if self.label_smoothing else "z_loss"
            raise Mismatch(
                f"an adaptive softmax has no single normaliser that `{field}` could act on",
                at=(field,),
                help=f"take `{field}` out, or use head `linear`",
            )
        return source
