"""Xception as Tensor2Tensor has it: layer normalisation after each convolution, no batch normalisation."""

# B batch, C channels, H height, W width, D width of the vector

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from seqspec.components._layers.dropout import Dropout
from seqspec.components._layers.image import ImageConvolution, PixelNorm, pool_same
from seqspec.components._layers.xception import entry_flow
from seqspec.schema.encoder.xception import BLOCK, XceptionConfig
from seqspec.schema.types import Image


class Xception(nn.Module):
    """``[B, C, H, W]`` images give ``[B, D]``."""

    def __init__(self, config: XceptionConfig, source: Image) -> None:
        super().__init__()
        self.entry = nn.Sequential(*_entry(config, source))
        self.blocks = nn.ModuleList(
            _Block(config.dim, kernel=config.kernel, dropout=config.dropout) for _ in range(config.num_layers)
        )
        self.exit = _Exit(config.dim)

    def forward(self, x_BCHW: Tensor, lengths_B: Tensor | None = None) -> tuple[Tensor, None]:
        """An image has no length, so none is read and none given."""
        x_BCHW = self.entry(x_BCHW.contiguous(memory_format=torch.channels_last))
        for block in self.blocks:
            x_BCHW = block(x_BCHW)
        return self.exit(x_BCHW).relu().mean((2, 3)), None


def _entry(config: XceptionConfig, source: Image) -> Iterator[nn.Module]:
    if config.entry == "plain":
        yield ImageConvolution(source.channels, config.dim, kernel=3, relu=False)
        return
    yield from entry_flow(source.channels, config.widths)


class _Block(nn.Module):
    """Separable convolutions, added to their input and normalised."""

    def __init__(self, dim: int, *, kernel: int, dropout: float) -> None:
        super().__init__()
        layers = (ImageConvolution(dim, dim, kernel=kernel, separable=True) for _ in range(BLOCK))
        self.convolutions = nn.Sequential(*layers)
        self.norm = PixelNorm(dim)
        self.dropout = Dropout(dropout)

    def forward(self, x_BCHW: Tensor) -> Tensor:
        given: Tensor = self.dropout(self.norm(x_BCHW + self.convolutions(x_BCHW)))
        return given


class _Exit(nn.Module):
    """The image halved while its channels grow to two and a half times as many."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        wide = dim * 5 // 4
        self.beside = ImageConvolution(dim, wide, kernel=3, stride=2)
        self.before = nn.Sequential(
            ImageConvolution(dim, dim, kernel=3, separable=True),
            ImageConvolution(dim, wide, kernel=3, separable=True),
        )
        self.after = nn.Sequential(
            ImageConvolution(wide, 2 * dim, kernel=3, separable=True, relu=False),
            ImageConvolution(2 * dim, dim * 5 // 2, kernel=3, separable=True),
        )

    def forward(self, x_BCHW: Tensor) -> Tensor:
        given: Tensor = self.after(pool_same(self.before(x_BCHW)) + self.beside(x_BCHW))
        return given
