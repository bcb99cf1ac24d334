"""Images out of noise: Ho et al. (2020), "Denoising Diffusion Probabilistic Models", arXiv:2006.11239; Liu et
al. (2023), "Flow Straight and Fast: Learning to Generate and Transfer Data with Rectified Flow",
arXiv:2209.03003.
"""

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from seqspec.schema.config import Config, Flow, Mismatch
from seqspec.schema.layers.noise import NoiseSchedule
from seqspec.schema.model._images import classes_for, images_of
from seqspec.schema.slot import Slot
from seqspec.schema.types import Denoising, Outputs, Poison, Type
from seqspec.schema.units import Probability


class DiffusionConfig(Config):
    """A network learns to tell noise from image at every stage between the two; a search, such as `ddim`,
    makes images of noise with it.
    """

    reads_pixels: ClassVar[str] = "unit"

    process: Literal["gaussian", "flow"] = "gaussian"
    """How images become noise: step by step, by normal noise; or along a straight line, where time is even
    and the network tells the line's direction.
    """
    steps: Annotated[int, Field(ge=2, le=100_000)] = 1000
    """Steps of the ``gaussian`` process."""
    schedule: NoiseSchedule = "linear"
    """How fast an image is lost: variances that grow evenly (Ho et al.), or that leave a squared cosine of it
    (Nichol & Dhariwal 2021, arXiv:2102.09672).
    """
    predicts: Literal["noise", "velocity"] = "noise"
    """What the network tells of the ``gaussian`` process: the noise, or √ᾱ · noise - √(1 - ᾱ) · image
    (Salimans & Ho 2022, "Progressive Distillation", arXiv:2202.00512).
    """
    condition: Literal["none", "class"] = "none"
    """Whether the network is told the class of the image."""
    label_dropout: Probability = 0.1
    """Share of examples whose class is hidden, so that a search can be guided (Ho & Salimans 2022,
    "Classifier-Free Diffusion Guidance", arXiv:2207.12598).
    """
    network: Annotated[Config, Slot("denoiser")]
    """Reads the noisy image and the time."""

    def wire(self, source: Mapping[str, Type], flow: Flow) -> Outputs:
        """``denoising``: what the network says of noisy images, beside what is right."""
        image = images_of(source, model="diffusion")
        target = classes_for(source, self.condition)
        made = flow.node("network", {"image": image, "target": target})
        if isinstance(image, Poison) or isinstance(made, Poison):
            return Outputs({"denoising": Poison()})
        if made != image:
            raise Mismatch(f"the network gives {made}, and the data are {image}", at=("network",))
        size = image.channels * image.height * image.width
        return Outputs({"denoising": Denoising(size, self.process, of_classes=self.condition == "class")})
