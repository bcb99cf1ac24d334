"""Vision transformer."""

# B batch, C channels, H height, W width, P places, D width

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from seqspec.components._layers.dropout import Dropout
from seqspec.components._layers.init import linear
from seqspec.schema.encoder.vision_transformer import VisionTransformerConfig
from seqspec.schema.types import Image

EPSILON = 1e-6
STD = 0.02


class VisionTransformer(nn.Module):
    """``[B, C, H, W]`` gives ``[B, D]``, the state of the vector that stands for the image."""

    stacked = ("layers",)

    def __init__(self, config: VisionTransformerConfig, source: Image) -> None:
        super().__init__()
        self.patch = config.patch
        self.patches = linear(source.channels * config.patch**2, config.dim)
        self.whole_D = nn.Parameter(torch.zeros(config.dim))
        self.positions_PD = nn.Parameter(torch.empty(config.places(source), config.dim).normal_(0, STD))
        self.dropout = Dropout(config.dropout)
        self.layers = nn.ModuleList(_Layer(config) for _ in range(config.num_layers))
        self.norm = nn.LayerNorm(config.dim, eps=EPSILON)

    def forward(self, x_BCHW: Tensor, lengths_B: Tensor | None = None) -> tuple[Tensor, None]:
        """An image has no length, so none is read and none given."""
        cut_BPD = functional.unfold(x_BCHW, self.patch, stride=self.patch).transpose(1, 2)
        whole_B1D = self.whole_D.expand(len(x_BCHW), 1, -1)
        x_BPD = self.dropout(torch.cat([whole_B1D, self.patches(cut_BPD)], dim=1) + self.positions_PD)
        for layer in self.layers:
            x_BPD = layer(x_BPD)
        return self.norm(x_BPD[:, 0]), None


class _Layer(nn.Module):
    def __init__(self, config: VisionTransformerConfig) -> None:
        super().__init__()
        dim, inner = config.dim, config.feed_forward_dim
        self.heads = config.num_heads
        self.norms = nn.ModuleList(nn.LayerNorm(dim, eps=EPSILON) for _ in range(2))
        self.attention, self.output = linear(dim, 3 * dim), linear(dim, dim)
        self.inner, self.outer = linear(dim, inner), linear(inner, dim)
        self.dropout = Dropout(config.dropout)

    def forward(self, x_BPD: Tensor) -> Tensor:
        x_BPD = x_BPD + self.dropout(self._attend(self.norms[0](x_BPD)))
        inner = self.dropout(functional.gelu(self.inner(self.norms[1](x_BPD))))
        return x_BPD + self.dropout(self.outer(inner))

    def _attend(self, x_BPD: Tensor) -> Tensor:
        heads = self.attention(x_BPD).unflatten(2, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        mixed = functional.scaled_dot_product_attention(heads[0], heads[1], heads[2])
        given: Tensor = self.output(mixed.transpose(1, 2).flatten(2))
        return given
