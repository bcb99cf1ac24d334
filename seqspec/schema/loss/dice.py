"""Dice loss: Milletari et al. (2016), "V-Net: Fully Convolutional Neural Networks for Volumetric Medical
Image Segmentation", arXiv:1606.04797.
"""

from typing import Literal

from seqspec.schema.loss._pixels import PixelLossConfig
from seqspec.schema.units import PositiveFloat


class DiceConfig(PixelLossConfig):
    """One less the overlap of probabilities and truth, as a mean over the classes, so that small ones weigh
    as large ones do; with the plain sums of V-Net's later users in the denominator, not its squares.
    """

    over: Literal["image", "batch"] = "image"
    """Overlaps of each image, or of the batch as one; the latter depends on how a batch is split up."""
    background: bool = True
    """Whether class 0 counts."""
    smooth: PositiveFloat = 1.0
    """Added above and below the line, in pixels; a class that neither side has costs nothing."""
