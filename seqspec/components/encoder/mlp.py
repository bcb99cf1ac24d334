"""Fully connected layers over a whole image, or over one vector."""

# B batch, D width

from __future__ import annotations

from itertools import pairwise

from torch import Tensor, nn

from seqspec.components._layers.activation import activation
from seqspec.components._layers.init import linear
from seqspec.schema.encoder.mlp import MlpConfig
from seqspec.schema.types import Image, Vector


class Mlp(nn.Module):
    """``[B, C, H, W]`` or ``[B, D]`` gives ``[B, dims[-1]]``."""

    def __init__(self, config: MlpConfig, source: Image | Vector) -> None:
        super().__init__()
        widths = [config.inputs(source), *config.dims]
        self.layers = nn.ModuleList(linear(inputs, outputs) for inputs, outputs in pairwise(widths))
        self.activation = activation(config.activation)

    def forward(self, x: Tensor, lengths_B: Tensor | None = None) -> tuple[Tensor, None]:
        """An image has no length, so none is read and none given."""
        x_BD = x.flatten(1)
        for layer in self.layers:
            x_BD = self.activation(layer(x_BD))
        return x_BD, None
