"""Diffusion transformer: Peebles & Xie (2023), "Scalable Diffusion Models with Transformers",
arXiv:2212.09748, with adaptive layer normalisation that starts as nothing.
"""

from seqspec.schema.config import Mismatch
from seqspec.schema.denoiser._denoiser import DenoiserConfig
from seqspec.schema.layers.shares import require_shares
from seqspec.schema.types import Image
from seqspec.schema.units import Dim, Layers, Positive


class DitConfig(DenoiserConfig):
    """A transformer over patches, whose normalisations are told time and class."""

    dim: Dim = 384
    """Width, in features."""
    num_layers: Layers = 12
    """Layers."""
    num_heads: Positive = 6
    """Attention heads; must divide ``dim``."""
    patch: Positive = 2
    """Height and width of a patch, in pixels."""

    def check(self, image: Image) -> None:
        if image.height % self.patch or image.width % self.patch:
            raise Mismatch(
                f"{image.height} × {image.width} pixels are no whole number of patches of {self.patch}",
                at=("patch",),
                help="use a patch that divides both",
            )
        require_shares(self.dim, self.num_heads)
        if self.dim % 4:
            raise Mismatch(
                f"positions in two directions take a width that 4 divides, and this is {self.dim}",
                at=("dim",),
            )
