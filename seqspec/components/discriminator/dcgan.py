"""Strided convolutions from an image to one number."""

# B batch, C channels, H height, W width, V classes

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise

from torch import Tensor, nn

from seqspec.components._layers.class_vector import classes_of
from seqspec.components._layers.image_batch_norm import ImageBatchNorm
from seqspec.components._layers.spectral_norm import normalised
from seqspec.schema.discriminator.dcgan import DcganConfig
from seqspec.schema.types import Image, Type

STD = 0.02
"""Of the initial weights, and of the gains around 1 (section 4 of the paper)."""
SLOPE = 0.2
"""Of the leaky ReLU below zero."""


class Dcgan(nn.Module):
    """``[B, C, H, W]`` in [-1, 1] gives ``[B]``; larger is more real."""

    def __init__(self, config: DcganConfig, takes: Mapping[str, Type]) -> None:
        super().__init__()
        image = takes["image"]
        assert isinstance(image, Image)
        assert config.halvings is not None
        widths = [image.channels, *(config.channels << stage for stage in range(config.halvings))]
        self.features = nn.Sequential(*_stages(widths, config.normalize))
        size = image.height >> config.halvings, image.width >> config.halvings
        self.last = normalised(_started(nn.Conv2d(widths[-1], 1, size, bias=False)), config.normalize)
        classes = classes_of(takes)
        # Over the whole map, place by place: two stages see 10 × 10 pixels, and summed over the places of
        # 28 × 28 their features do not tell one digit from another.
        self.projection = None if classes is None else nn.Embedding(classes, widths[-1] * size[0] * size[1])
        if self.projection is not None:  # of the other weights' size, or nothing but the class would be heard
            nn.init.normal_(self.projection.weight, 0.0, STD)

    def forward(self, x_BCHW: Tensor, classes_B: Tensor | None = None) -> Tensor:
        given_BCHW = self.features(x_BCHW)
        scores_B: Tensor = self.last(given_BCHW).flatten()
        if self.projection is not None:
            scores_B = scores_B + (self.projection(classes_B) * given_BCHW.flatten(1)).sum(1)
        return scores_B


def _stages(widths: list[int], normalize: str) -> Iterator[nn.Module]:
    for stage, (inputs, outputs) in enumerate(pairwise(widths)):
        yield normalised(_started(nn.Conv2d(inputs, outputs, 4, stride=2, padding=1, bias=False)), normalize)
        if stage and normalize == "batch":
            yield ImageBatchNorm(outputs, gain_std=STD)
        yield nn.LeakyReLU(SLOPE)


def _started(layer: nn.Conv2d) -> nn.Conv2d:
    nn.init.normal_(layer.weight, 0.0, STD)
    return layer
