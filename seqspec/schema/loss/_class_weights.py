"""Weights of classes, for losses over labels of which some are rare."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

from pydantic import Field

from seqspec.schema.config import Mismatch
from seqspec.schema.types import Logits, PixelLogits
from seqspec.schema.units import PositiveFloat

ClassWeights = Literal["balanced"] | Annotated[dict[str, PositiveFloat], Field(min_length=1)]


def require_classes(weights: ClassWeights | None, source: Logits | PixelLogits) -> None:
    """Weights go by label: the loss must be over labels."""
    if weights is not None and (isinstance(source, PixelLogits) or source.stride or source.picture):
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
