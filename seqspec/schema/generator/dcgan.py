"""Transposed convolutions: Radford et al. (2016), "Unsupervised Representation Learning with Deep
Convolutional Generative Adversarial Networks", arXiv:1511.06434.
"""

from __future__ import annotations

from seqspec.schema.generator._generator import GeneratorConfig
from seqspec.schema.units import Dim


class DcganConfig(GeneratorConfig):
    """The latent vector becomes a small map, which transposed convolutions double until it is an image; batch
    normalisation and ReLU after each but the last.
    """

    channels: Dim = 64
    """Channels before the last layer; each layer before that has twice as many."""
