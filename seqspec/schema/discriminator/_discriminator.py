"""What every discriminator declares: an image, and maybe its class, to one number."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from seqspec.schema.config import Config, Flow, Mismatch
from seqspec.schema.layers.image_stages import divides, halvings
from seqspec.schema.types import Image, Scalar, Type
from seqspec.schema.units import InferredMark


class DiscriminatorConfig(Config):
    """Reads ``image`` and, of a conditional model, ``target``: the class adds the product of its learned
    vector with the image's features (Miyato & Koyama 2018, "cGANs with Projection Discriminator",
    arXiv:1802.05637).
    """

    halvings: Annotated[int | None, Field(ge=1, le=10), InferredMark()] = None
    """Stages that halve height and width; left out, as many as the image's size allows down to 4 pixels."""

    def wire(self, source: Mapping[str, Type], flow: Flow) -> Scalar:
        image = source["image"]
        if not isinstance(image, Image):
            raise Mismatch(f"a discriminator reads images, and is given {image}")
        if self.halvings is None:
            most = halvings(image)
            if not most:
                raise Mismatch(
                    f"images of {image.height} × {image.width} pixels cannot be halved to 4 pixels or more",
                    help="use images whose height and width are even and at least 8",
                )
            flow.derive("halvings", self.usual(most), "what the image's size allows")
        elif not divides(image, times=self.halvings):
            raise Mismatch(
                f"{image.height} × {image.width} pixels cannot be halved {self.halvings} times",
                at=("halvings",),
                help=f"use at most {halvings(image, least=1)}",
            )
        return Scalar()

    def usual(self, most: int) -> int:
        """Halvings where the spec leaves them out, of an image that allows ``most``."""
        return most
