"""What generators of images declare that double a small map: a vector, and maybe a class, to an image."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from seqspec.schema.config import Config, Flow, Mismatch
from seqspec.schema.layers.image_stages import divides, halvings
from seqspec.schema.types import Image, Type, Vector
from seqspec.schema.units import Dim, InferredMark


class GeneratorConfig(Config):
    """Reads ``latent`` (a vector), ``image`` (what it shall give) and, of a conditional model, ``target``."""

    doublings: Annotated[int | None, Field(ge=1, le=10), InferredMark()] = None
    """Stages that double height and width; left out, as many as the image's size allows down to 4 pixels."""
    class_dim: Dim = 32
    """Width of the vector of a class that is joined to the latent vector, where the model is conditional."""

    def wire(self, source: Mapping[str, Type], flow: Flow) -> Image:
        image = source["image"]
        if not isinstance(image, Image) or not isinstance(source["latent"], Vector):
            raise Mismatch(f"a generator makes images of a vector, and is given {source['latent']}")
        if self.doublings is None:
            if not halvings(image):
                raise Mismatch(
                    f"images of {image.height} × {image.width} pixels do not come from 4 by doubling",
                    help="use images whose height and width are even and at least 8",
                )
            flow.derive("doublings", halvings(image), "what the image's size allows")
        elif not divides(image, times=self.doublings):
            raise Mismatch(
                f"{image.height} × {image.width} pixels cannot be halved {self.doublings} times",
                at=("doublings",),
                help=f"use at most {halvings(image, least=1)}",
            )
        return image
