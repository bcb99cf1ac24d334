"""What every loss may say beside its own settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from seqspec.schema.config import Config, Mismatch
from seqspec.schema.schedule._schedule import ScheduleConfig
from seqspec.schema.slot import Slot
from seqspec.schema.types import Counted, Logits, PixelLogits, Type
from seqspec.schema.units import Later, PositiveFloat

ClassWeights = Literal["balanced"] | Annotated[dict[str, PositiveFloat], Field(min_length=1)]
"""By label, or ``balanced``: for losses over labels of which some are rare."""


def teacher_of(config: LossConfig) -> str | None:
    """The teacher that a loss names, where it is one that compares with a teacher."""
    return getattr(config, "teacher", None)


class LossConfig(Config):
    """One term of what training makes small; under ``losses`` there are several by name."""

    aligned: ClassVar[bool | None] = False
    """It sums over the alignments of scores with a blank; others compare score and target one by one.  One
    with ``None`` reads scores of either kind.
    """

    soft_targets: ClassVar[bool] = False
    """It reads a probability for each class in place of a label too."""

    of_weights: ClassVar[bool] = False
    """It reads the weights of its ``parts``, and no output."""

    on: Annotated[str | None, Later] = None
    """Output of the model that it reads; left out, the first that it fits."""
    weight: Annotated[ScheduleConfig | float | None, Slot("schedule", number=True), Later] = None
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
        if isinstance(given, PixelLogits):
            return Counted("source", "examples")
        if isinstance(given, Logits) and (given.image or not given.stride):
            return Counted("source" if given.image else "target", "examples")
        if isinstance(given, Logits) and given.counted:
            return Counted(given.counted, "tokens")
        if isinstance(given, Logits) and not given.ends:
            return Counted("target", "tokens")
        return Counted("target", "tokens_and_end")


def require_classes(weights: ClassWeights | None, source: Logits | PixelLogits) -> None:
    """Weights go by label: the loss must be over labels."""
    if weights is not None and (isinstance(source, PixelLogits) or source.stride or source.image):
        raise Mismatch(
            f"classes have weights, and the model gives {source}: one set of scores a token or pixel",
            at=("class_weights",),
            help="take `class_weights` out; it is for targets that are labels",
        )


def weights_of(
    weights: ClassWeights, names: Sequence[str], counts: Sequence[int] | None
) -> tuple[float, ...]:
    """The weight of each class.

    ``balanced`` is examples / (classes * examples of the class), so that the mean over the training split
    is 1 and every class adds up to the same (King & Zeng 2001, "Logistic Regression in Rare Events Data").
    A label that a mapping does not name has weight 1.  Raises ``KeyError`` for a name that is no class.
    """
    if isinstance(weights, Mapping):
        strange = [name for name in weights if name not in names]
        if strange:
            raise KeyError(strange[0])
        return tuple(float(weights.get(name, 1.0)) for name in names)
    if counts is None:
        raise LookupError("the counts of the classes are not known")
    examples, classes = sum(counts), sum(count > 0 for count in counts)
    return tuple(examples / (classes * count) if count else 1.0 for count in counts)
