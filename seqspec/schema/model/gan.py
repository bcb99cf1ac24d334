"""Generative adversarial network: Goodfellow et al. (2014), "Generative Adversarial Nets", arXiv:1406.2661,
whose two sides are trained by procedure `adversarial`.
"""

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

from seqspec.schema.config import Config, Flow, Mismatch
from seqspec.schema.model._images import classes_for, images_of
from seqspec.schema.slot import Slot
from seqspec.schema.types import CriticScores, Outputs, Poison, Type, Vector
from seqspec.schema.units import Dim


class GanConfig(Config):
    """A generator makes images of random vectors, a discriminator tells them from the data's; procedure
    `adversarial` trains them by turns.
    """

    reads_pixels: ClassVar[str] = "unit"

    latent: Dim = 128
    """Width of the random vector, each of whose features is N(0, 1)."""
    condition: Literal["none", "class"] = "none"
    """Whether both are told the class of the image."""
    generator: Annotated[Config, Slot("generator")]
    """Makes an image of the vector."""
    discriminator: Annotated[Config, Slot("discriminator")]
    """Scores how real an image looks."""

    def wire(self, source: Mapping[str, Type], flow: Flow) -> Outputs:
        """``critic``, scores of data and generated images; ``generator``, scores of generated ones."""
        image = images_of(source, model="gan")
        target = classes_for(source, self.condition)
        made = flow.node("generator", {"latent": Vector(self.latent), "image": image, "target": target})
        if not isinstance(made, Poison) and made != image:
            raise Mismatch(f"the generator gives {made}, and the data are {image}", at=("generator",))
        flow.node("discriminator", {"image": image, "target": target})
        told = self.condition == "class"
        return Outputs({side: CriticScores(side, of_classes=told) for side in ("critic", "generator")})
