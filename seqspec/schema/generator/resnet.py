"""Residual generator: Miyato et al. (2018), "Spectral Normalization for Generative Adversarial Networks",
arXiv:1802.05957, appendix B.4.
"""

from __future__ import annotations

from seqspec.schema.generator._generator import GeneratorConfig
from seqspec.schema.units import Dim


class ResnetConfig(GeneratorConfig):
    """A linear layer, then residual blocks that double height and width; batch normalisation and ReLU before
    every convolution.  The defaults are those for 32 × 32 pixels.
    """

    channels: Dim = 256
    """Channels of every block."""
