"""Small weights as a term of the objective, such as Lingvo's ``l2_regularizer_weight``."""

from typing import Annotated, ClassVar

from pydantic import Field

from seqspec.schema.config import Mismatch
from seqspec.schema.loss._loss import LossConfig
from seqspec.schema.types import Counted, Type
from seqspec.schema.units import PartPath


class L2Config(LossConfig):
    """Half the sum of the squares of the matrices and kernels of some parts; biases and scales are left out.

    It is a penalty of the objective, which Adam divides by its running variance; `weight_decay` of `adamw` is
    not.  `train.l2` is the short form over the whole model, whose value is not logged.
    """

    of_weights: ClassVar[bool] = True

    parts: Annotated[list[PartPath], Field(min_length=1)] = ["model"]
    """What is kept small, by place in the spec."""

    def output(self, source: Type) -> Type:
        if self.on is not None:
            raise Mismatch(
                "`l2` reads weights, and no output of the model",
                at=("on",),
                help="take `on` out; `parts` names whose weights these are",
            )
        return source

    def counts(self, given: Type) -> Counted:
        """One number a batch, which stands for every example."""
        return Counted("target", "examples")
