"""A loss that the model works out itself, such as the cost of adaptive halting."""

from seqspec.schema.config import Mismatch
from seqspec.schema.loss._loss import LossConfig
from seqspec.schema.types import Auxiliary, Counted, Type


class AuxiliaryConfig(LossConfig):
    """The auxiliary output that ``on`` names, as the model gives it: a mean over the batch."""

    def output(self, source: Type) -> Type:
        if not isinstance(source, Auxiliary):
            raise Mismatch(
                f"`auxiliary` reads what a part of the model gives beside its answers, and this is {source}",
                at=("on",),
                help="name one of the model's auxiliary outputs, such as `encoder.halting`",
            )
        return source

    def counts(self, given: Type) -> Counted:
        """The examples where it is a mean over them; else it weighs as the targets do."""
        if isinstance(given, Auxiliary) and given.examples:
            return Counted("target", "examples")
        return super().counts(given)
