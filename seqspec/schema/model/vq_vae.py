"""Autoencoder with a table of codes: van den Oord et al. (2017), "Neural Discrete Representation Learning",
arXiv:1711.00937.
"""

from collections.abc import Mapping
from typing import Annotated, ClassVar

from pydantic import Field

from seqspec.schema.config import Config, Flow, Mismatch
from seqspec.schema.model._images import images_of
from seqspec.schema.model._likelihood import ImageLikelihoodConfig
from seqspec.schema.slot import Slot
from seqspec.schema.types import Auxiliary, Image, Likelihood, Nothing, Outputs, Poison, Type
from seqspec.schema.units import Dim, InferredMark, NonNegative, Probability

COMMITMENT = 0.25
"""The paper's weight of the distance between what is encoded and its code."""


class VqVaeConfig(ImageLikelihoodConfig):
    """Each place of a small map becomes the nearest code; the gradient passes straight through. Codes follow
    the mean of what was assigned to them (appendix A.1), so no loss moves them.
    """

    reads_pixels: ClassVar[str] = "unit"

    codes: Annotated[int, Field(ge=2, le=1_048_576)] = 512
    """Codes of the table."""
    decay: Probability = 0.99
    """Decay of the running counts and sums that codes are the quotient of."""
    revive_below: NonNegative = 1.0
    """A code whose running count a step falls below this becomes a vector of the batch, drawn at random; 0
    leaves codes that nothing uses as they are.
    """
    encoder: Annotated[Config, Slot("encoder")] = Field(default="strided_residual", validate_default=True)
    """Makes a small map of the image."""
    decoder: Annotated[Config, Slot("generator")] = Field(default="strided_residual", validate_default=True)
    """Makes an image of a map of codes."""
    code_dim: Annotated[Dim | None, InferredMark()] = None
    """Width of a code: the channels of the map."""

    def wire(self, source: Mapping[str, Type], flow: Flow) -> Outputs:
        """``reconstruction``, the image's likelihood under its codes; ``commitment``, how far the map is from
        them.
        """
        image = images_of(source, model="vq_vae")
        grid = flow.node("encoder", image)
        if not isinstance(grid, Image | Poison):
            raise Mismatch(
                f"`vq_vae` needs a map, and the encoder gives {grid}",
                at=("encoder",),
                help="use encoder `strided_residual`",
            )
        flow.node("decoder", {"latent": grid, "image": image, "target": Nothing()})
        if isinstance(image, Poison) or isinstance(grid, Poison):
            return Outputs({"reconstruction": Poison(), "commitment": Auxiliary(COMMITMENT)})
        flow.derive("code_dim", grid.channels, "the channels of the encoder's map")
        size = image.channels * image.height * image.width
        told = Likelihood(size, latent="codes", discrete=self.bits)
        return Outputs({"reconstruction": told, "commitment": Auxiliary(COMMITMENT)})
