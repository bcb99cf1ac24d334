"""Vision transformer: Dosovitskiy et al. (2021), "An Image is Worth 16x16 Words: Transformers for Image
Recognition at Scale", arXiv:2010.11929. The defaults are ViT-B/16.
"""

from seqspec.schema.config import Config, Mismatch
from seqspec.schema.layers.shares import require_shares
from seqspec.schema.types import Image, Type, Vector
from seqspec.schema.units import Dim, Layers, Positive, Probability


class VisionTransformerConfig(Config):
    """A transformer over the patches of an image and one vector of its own, which in the end stands for the
    image; normalisation comes first, and positions are learned.
    """

    dim: Dim = 768
    """Width, in features."""
    num_layers: Layers = 12
    """Layers."""
    num_heads: Positive = 12
    """Attention heads; must divide ``dim``."""
    feed_forward_dim: Dim = 3072
    """Width inside the feed-forward layers, in features."""
    patch: Positive = 16
    """Height and width of a patch, in pixels."""
    dropout: Probability = 0.0
    """Dropout after the positions, and on what attention and feed-forward layers add."""

    def output(self, source: Type) -> Vector:
        if not isinstance(source, Image):
            raise Mismatch(
                f"`vision_transformer` reads images, and this is {source}",
                help="for text and sound use `transformer`",
            )
        if source.height % self.patch or source.width % self.patch:
            raise Mismatch(
                f"{source.height} × {source.width} pixels are no whole number of patches of {self.patch}",
                at=("patch",),
                help="use a patch that divides both",
            )
        require_shares(self.dim, self.num_heads)
        return Vector(self.dim)

    def places(self, source: Image) -> int:
        """Patches, and the one vector beside them."""
        return (source.height // self.patch) * (source.width // self.patch) + 1

    def uses(self, source: Image) -> int:
        """How often weights are used for one image."""
        layer = 4 * self.dim**2 + 2 * self.dim * self.feed_forward_dim
        attention = 2 * self.places(source) * self.dim
        patches = source.channels * self.patch**2 * self.dim
        return self.places(source) * (self.num_layers * (layer + attention) + patches)

    def kept(self, source: Image) -> int:
        """Numbers that one image leaves for the backward pass."""
        return self.places(source) * self.num_layers * (9 * self.dim + 2 * self.feed_forward_dim)
