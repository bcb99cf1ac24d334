"""U-Net of diffusion models: Ho et al. (2020), "Denoising Diffusion Probabilistic Models", arXiv:2006.11239,
appendix B. The defaults are those for CIFAR-10.
"""

from typing import Annotated

from pydantic import Field

from seqspec.schema.config import Mismatch
from seqspec.schema.denoiser._denoiser import DenoiserConfig
from seqspec.schema.layers.image_stages import divides
from seqspec.schema.types import Image
from seqspec.schema.units import Dim, Positive, Probability

GROUPS = 32
"""Of group normalisation; fewer where a map has fewer channels."""
Multiplier = Annotated[int, Field(ge=1, le=64)]


class UnetConfig(DenoiserConfig):
    """Residual blocks that are told the time, on ever smaller maps and back, with attention between the
    places of the smaller ones.
    """

    dim: Annotated[Dim, Field(multiple_of=4)] = 128
    """Channels at the image's own size."""
    multipliers: Annotated[list[Multiplier], Field(min_length=1, max_length=8)] = [1, 2, 2, 2]
    """Channels of each size, as multiples of ``dim``; each size after the first is half the one before."""
    num_blocks: Positive = 2
    """Residual blocks of each size on the way down; one more on the way up."""
    attention_at: list[Positive] = [16]
    """Heights of maps, in pixels, whose blocks end in attention; the smallest map's middle always has it."""
    dropout: Probability = 0.1
    """Dropout before the second convolution of a block."""

    def check(self, image: Image) -> None:
        times = len(self.multipliers) - 1
        if not divides(image, times=times):
            raise Mismatch(
                f"{image.height} × {image.width} pixels cannot be halved {times} times",
                at=("multipliers",),
                help="use fewer sizes, or images of another size",
            )
        strange = [height for height in self.attention_at if height not in self._heights(image)]
        if strange:
            known = ", ".join(map(str, self._heights(image)))
            raise Mismatch(
                f"no map is {strange[0]} pixels high", at=("attention_at",), help=f"heights are {known}"
            )

    def _heights(self, image: Image) -> list[int]:
        return [image.height >> stage for stage in range(len(self.multipliers))]
