"""Xception's entry flow: an image becomes a sequence of vectors, row after row."""

# B batch, C channels, H height, W width, T positions, D width of a vector

from __future__ import annotations

import torch
from torch import Tensor, nn

from seqspec.components._layers.image import ImageConvolution
from seqspec.components._layers.xception import entry_flow
from seqspec.schema.embedding.xception_entry import XceptionEntryConfig
from seqspec.schema.types import Image


class XceptionEntry(nn.Module):
    """``[B, C, H, W]`` gives ``[B, T, D]``."""

    def __init__(self, config: XceptionEntryConfig, source: Image) -> None:
        super().__init__()
        assert config.dim is not None
        self.dim = config.dim
        if config.entry == "plain":
            first = ImageConvolution(source.channels, config.dim, kernel=3, relu=False)
            self.layers = nn.Sequential(first)
        else:
            self.layers = nn.Sequential(*entry_flow(source.channels, config.widths))

    def forward(self, x_BCHW: Tensor, lengths_B: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """An image has no length; every position counts."""
        x_BTD = self.layers(x_BCHW).flatten(2).transpose(1, 2)
        size = torch.full((len(x_BTD),), x_BTD.shape[1], device=x_BTD.device)
        return x_BTD, size
