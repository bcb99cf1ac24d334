"""Transposed convolutions from a vector to an image."""

# B batch, Z latent width, C channels, H height, W width

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise

from torch import Tensor, nn

from seqspec.components._layers.class_vector import class_vector
from seqspec.components._layers.image_batch_norm import ImageBatchNorm
from seqspec.schema.config import stated_width
from seqspec.schema.generator.dcgan import DcganConfig
from seqspec.schema.types import Image, Type

STD = 0.02
"""Of the initial weights, and of the gains around 1 (section 4 of the paper)."""


class Dcgan(nn.Module):
    """``[B, Z]`` gives ``[B, C, H, W]`` before the last non-linearity."""

    def __init__(self, config: DcganConfig, takes: Mapping[str, Type]) -> None:
        super().__init__()
        image = takes["image"]
        assert isinstance(image, Image)
        assert config.doublings is not None
        start = image.height >> config.doublings, image.width >> config.doublings
        self.label = class_vector(takes, config)
        width = stated_width(takes["latent"]) + (self.label.dim if self.label else 0)
        widths = [config.channels << stage for stage in reversed(range(config.doublings))]
        first = nn.ConvTranspose2d(width, widths[0], start, bias=False)
        self.layers = nn.Sequential(*_stages(first, widths, image.channels))

    def forward(self, latent_BZ: Tensor, classes_B: Tensor | None = None) -> Tensor:
        if self.label is not None:
            latent_BZ = self.label(latent_BZ, classes_B)
        given: Tensor = self.layers(latent_BZ[:, :, None, None])
        return given


def _stages(first: nn.ConvTranspose2d, widths: list[int], channels: int) -> Iterator[nn.Module]:
    yield from _normalised(first, widths[0])
    for inputs, outputs in pairwise(widths):
        yield from _normalised(_doubling(inputs, outputs), outputs)
    last = _doubling(widths[-1], channels)
    nn.init.normal_(last.weight, 0.0, STD)
    yield last


def _normalised(layer: nn.ConvTranspose2d, channels: int) -> Iterator[nn.Module]:
    nn.init.normal_(layer.weight, 0.0, STD)
    yield layer
    yield ImageBatchNorm(channels, gain_std=STD)
    yield nn.ReLU()


def _doubling(inputs: int, outputs: int) -> nn.ConvTranspose2d:
    return nn.ConvTranspose2d(inputs, outputs, 4, stride=2, padding=1, bias=False)
