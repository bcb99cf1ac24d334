"""What every loss may say beside its own settings."""

from __future__ import annotations

from typing import Annotated, ClassVar

from seqspec.schema.config import Config
from seqspec.schema.slot import Slot
from seqspec.schema.types import Counted, Logits, Type
from seqspec.schema.units import Later


def teacher_of(config: LossConfig) -> str | None:
    """The teacher that a loss names, where it is one that compares with a teacher."""
    return getattr(config, "teacher", None)


class LossConfig(Config):
    """One term of what training makes small; under ``losses`` there are several by name."""

    aligned: ClassVar[bool | None] = False
    """It sums over the alignments of scores with a blank; others compare score and target one by one.  One
    with ``None`` reads scores of either kind.
    """

    on: Annotated[str | None, Later] = None
    """Output of the model that it reads; left out, the first that it fits."""
    weight: Annotated[Config | float | None, Slot("schedule", number=True), Later] = None
    """What its mean is multiplied by: a number, or a schedule over the optimiser steps; left out, 1, or what
    an auxiliary output itself asks for.
    """

    def following(self, width: Type) -> dict[str, object]:
        """Inferred fields that follow from the width of the states below the model's main output."""
        return {}

    def output(self, source: Type) -> Type:
        """``source``, an output of the model, where the loss can read it; raises ``Mismatch``."""
        return source

    def counts(self, given: Type) -> Counted:
        """What its sum is divided by, for an output of type ``given``."""
        if isinstance(given, Logits) and (given.picture or not given.stride):
            return Counted("source" if given.picture else "target", "examples")
        return Counted("target", "tokens_and_end")
