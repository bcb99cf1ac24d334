"""Residual discriminator: Miyato et al. (2018), "Spectral Normalization for Generative Adversarial Networks",
arXiv:1802.05957, appendix B.4.
"""

from __future__ import annotations

from typing import Literal

from seqspec.schema.discriminator._discriminator import DiscriminatorConfig
from seqspec.schema.units import Dim


class ResnetConfig(DiscriminatorConfig):
    """Residual blocks, the first of which halve height and width; then the sum over the pixels and a linear
    layer.  The defaults are those for 32 × 32 pixels.
    """

    channels: Dim = 128
    """Channels of every block."""
    more_blocks: Literal[0, 1, 2, 3, 4] = 2
    """Blocks after the last halving."""
    normalize: Literal["spectral", "none"] = "spectral"
    """Divide every weight by its largest singular value, or leave it alone."""

    def usual(self, most: int) -> int:
        return min(most, 2)
