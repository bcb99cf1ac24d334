"""Fully connected layers from a vector to an image."""

# B batch, Z latent width, C channels, H height, W width

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

from torch import Tensor, nn

from seqspec.components._layers.activation import activation
from seqspec.components._layers.class_vector import class_vector
from seqspec.components._layers.init import linear
from seqspec.schema.config import stated_width
from seqspec.schema.generator.mlp import MlpConfig
from seqspec.schema.types import Image, Type


class Mlp(nn.Module):
    """``[B, Z]`` gives ``[B, C, H, W]`` before the last non-linearity."""

    def __init__(self, config: MlpConfig, takes: Mapping[str, Type]) -> None:
        super().__init__()
        image = takes["image"]
        assert isinstance(image, Image)
        self.shape = image.channels, image.height, image.width
        self.label = class_vector(takes, config)
        width = stated_width(takes["latent"]) + (self.label.dim if self.label else 0)
        widths = [width, *config.dims, image.channels * image.height * image.width]
        self.layers = nn.ModuleList(linear(inputs, outputs) for inputs, outputs in pairwise(widths))
        self.activation = activation(config.activation)

    def forward(self, latent_BZ: Tensor, classes_B: Tensor | None = None) -> Tensor:
        x_BD = latent_BZ if self.label is None else self.label(latent_BZ, classes_B)
        for layer in self.layers[:-1]:
            x_BD = self.activation(layer(x_BD))
        given_BCHW: Tensor = self.layers[-1](x_BD).unflatten(1, self.shape)
        return given_BCHW
