"""The vision transformer as folders hold it, on the Transformer's layers."""

# B batch, C channels, H height, W width, P places, D width

from __future__ import annotations

import torch
from torch import Tensor, nn

from seqspec.components._layers.dropout import Dropout
from seqspec.components._layers.transformer_layer import Context, TransformerLayer, make_norm
from seqspec.schema.encoder.vit import VitConfig
from seqspec.schema.types import Image

_STD = 0.02
"""Of the vector and the positions at first."""


class Vit(nn.Module):
    """``[B, C, H, W]`` gives ``[B, D]``, the state of the vector that stands for the image."""

    stacked = ("layers",)

    def __init__(self, config: VitConfig, source: Image) -> None:
        super().__init__()
        assert config.dim is not None
        assert config.num_layers is not None
        assert config.patch is not None
        stack, dim = config.stack(), config.dim
        self.patches = nn.Conv2d(source.channels, dim, config.patch, config.patch)
        self.whole_11D = nn.Parameter(torch.empty(1, 1, dim).normal_(0, _STD))
        self.positions_1PD = nn.Parameter(torch.empty(1, config.places(source), dim).normal_(0, _STD))
        self.dropout = Dropout(config.dropout)
        self.layers = nn.ModuleList(
            TransformerLayer(stack, dim=dim, causal=False) for _ in range(config.num_layers)
        )
        self.norm = make_norm(stack, dim)

    def forward(self, x_BCHW: Tensor, lengths_B: Tensor | None = None) -> tuple[Tensor, None]:
        """An image has no length, so none is read and none given."""
        cut_BPD = self.patches(x_BCHW).flatten(2).transpose(1, 2)
        whole_B1D = self.whole_11D.expand(len(x_BCHW), 1, -1)
        x_BPD = self.dropout(torch.cat([whole_B1D, cut_BPD], dim=1) + self.positions_1PD)
        context = Context()
        for layer in self.layers:
            x_BPD = layer(x_BPD, context)
        return self.norm(x_BPD[:, 0]), None
