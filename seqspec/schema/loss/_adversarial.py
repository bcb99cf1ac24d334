"""What losses of adversarial training share: they read the scores of a discriminator."""

from __future__ import annotations

from typing import ClassVar

from seqspec.schema.config import Mismatch
from seqspec.schema.loss._loss import LossConfig
from seqspec.schema.types import Counted, CriticScores, Type


class AdversarialLossConfig(LossConfig):
    """A mean over images."""

    of_critic: ClassVar[bool] = False
    """It reads the data beside what is generated, so that only the critic can be trained on it."""

    def output(self, source: Type) -> Type:
        name = self.component[1]
        if not isinstance(source, CriticScores):
            raise Mismatch(
                f"`{name}` compares the scores of a discriminator, and the model gives {source}",
                help="use model `gan`",
            )
        if self.of_critic and source.side != "critic":
            raise Mismatch(f"`{name}` is of the critic alone", at=("on",), help="write `on: critic`")
        return source

    def counts(self, given: Type) -> Counted:
        return Counted("source", "examples")
