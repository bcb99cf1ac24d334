"""Variational autoencoder of images: Kingma & Welling (2014), "Auto-Encoding Variational Bayes",
arXiv:1312.6114.
"""

from collections.abc import Mapping
from typing import Annotated, ClassVar

from seqspec.schema.config import Config, Flow, Mismatch
from seqspec.schema.model._images import images_of
from seqspec.schema.model._likelihood import ImageLikelihoodConfig
from seqspec.schema.slot import Slot
from seqspec.schema.types import Gaussian, Likelihood, Nothing, Outputs, Poison, Type, Vector
from seqspec.schema.units import Dim, InferredMark


class VaeConfig(ImageLikelihoodConfig):
    """An encoder gives the posterior of a latent vector, a decoder the image of one; the prior is the
    standard normal distribution.
    """

    reads_pixels: ClassVar[str] = "unit"
    usual_metric: ClassVar[str] = "elbo"

    latent: Dim = 20
    """Features of the latent vector."""
    encoder: Annotated[Config, Slot("encoder")]
    """Reads the image, or its black and white pixels, and gives one vector."""
    decoder: Annotated[Config, Slot("generator")]
    """Makes an image of the latent vector."""
    encoder_dim: Annotated[Dim | None, InferredMark()] = None
    """Width of the encoder's vector."""

    def wire(self, source: Mapping[str, Type], flow: Flow) -> Outputs:
        """``reconstruction``, the image's likelihood under its sampled latent vector; ``posterior``."""
        image = images_of(source, model="vae")
        vector = flow.node("encoder", image)
        if not isinstance(vector, Vector | Poison):
            raise Mismatch(
                f"`vae` needs one vector an image, and the encoder gives {vector}",
                at=("encoder",),
                help="use encoder `mlp` or `lenet`",
            )
        if isinstance(vector, Vector):
            flow.derive("encoder_dim", vector.dim, "the encoder's width")
        takes = {"latent": Vector(self.latent), "image": image, "target": Nothing()}
        flow.node("decoder", takes)
        if isinstance(image, Poison):
            return Outputs({"reconstruction": image, "posterior": image})
        size = image.channels * image.height * image.width
        return Outputs(
            {"reconstruction": Likelihood(size, discrete=self.bits), "posterior": Gaussian(self.latent)}
        )
