"""What augmentation shares that mixes two images and their labels."""

from __future__ import annotations

from typing import ClassVar

from seqspec.schema.augment._image import ImageAugmentConfig
from seqspec.schema.units import Fraction, PositiveFloat


class MixingConfig(ImageAugmentConfig):
    """Mixes each training image with another of its batch, and their labels in the same shares.

    The other is decided by the seeds of the batch's own examples, so it depends neither on how a step is cut
    into micro-batches nor on where a run was stopped.
    """

    mixes: ClassVar[bool] = True

    alpha: PositiveFloat = 1.0
    """Both parameters of the beta distribution from which an image's own share is drawn: the smaller, the
    nearer it is to all or nothing.
    """
    chance: Fraction = 1.0
    """Share of images that are mixed; of several steps that mix, the first that does is the only one."""


def mixes(step: object) -> bool:
    """Whether a step of augmentation needs a second example."""
    return bool(getattr(step, "mixes", False))
