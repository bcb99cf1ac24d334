"""Strided convolutions: Radford et al. (2016), "Unsupervised Representation Learning with Deep
Convolutional Generative Adversarial Networks", arXiv:1511.06434.
"""

from __future__ import annotations

from typing import Literal

from seqspec.schema.discriminator._discriminator import DiscriminatorConfig
from seqspec.schema.units import Dim


class DcganConfig(DiscriminatorConfig):
    """Convolutions that halve height and width, normalised after all but the first, with leaky ReLU; a last
    one over all that is left.  A class's vector is as long as what is left, and is multiplied with it place
    by place.
    """

    channels: Dim = 64
    """Channels of the first convolution; each next one has twice as many."""
    normalize: Literal["batch", "spectral", "none"] = "batch"
    """What is normalised: the maps over the batch (never with a gradient penalty, which is of single images),
    the weights by their largest singular value (Miyato et al. 2018, arXiv:1802.05957), or nothing.
    """
