"""Squared error of what a network says of noisy images: Ho et al. (2020), "Denoising Diffusion Probabilistic
Models", arXiv:2006.11239, equation 14; Liu et al. (2023), "Flow Straight and Fast", arXiv:2209.03003,
equation 1.
"""

from seqspec.schema.config import Mismatch
from seqspec.schema.loss._loss import LossConfig
from seqspec.schema.types import Counted, Denoising, Type


class DenoisingConfig(LossConfig):
    """A mean over an image's dimensions; it is no likelihood, which `diffusion_bound` tells."""

    def output(self, source: Type) -> Type:
        if not isinstance(source, Denoising):
            raise Mismatch(
                f"`denoising` compares what is said of noisy images, and the model gives {source}",
                help="use model `diffusion`",
            )
        return source

    def counts(self, given: Type) -> Counted:
        return Counted("source", "examples")
