"""Fully connected layers from a vector to an image."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from seqspec.schema.config import Config, Mismatch
from seqspec.schema.layers.activation import Activation
from seqspec.schema.types import Image, Type, Vector
from seqspec.schema.units import Dim


class MlpConfig(Config):
    """The non-linearity follows each layer but the last, which gives the pixels."""

    dims: Annotated[list[Dim], Field(max_length=64)] = [400]
    """Widths of the layers before the last, in features."""
    activation: Activation = "relu"
    """The non-linearity."""
    class_dim: Dim = 32
    """Width of the vector of a class that is joined to the latent vector, where the model is conditional."""

    def output(self, source: Mapping[str, Type]) -> Image:
        image = source["image"]
        if not isinstance(image, Image) or not isinstance(source["latent"], Vector):
            raise Mismatch(f"a generator makes images of a vector, and is given {source['latent']}")
        return image
