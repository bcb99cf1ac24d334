"""U-Net of diffusion models."""

# B batch, C channels, H height, W width, D width of the time's vector

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

from seqspec.components._layers.class_vector import classes_of
from seqspec.components._layers.dropout import Dropout
from seqspec.components._layers.time_embedding import TimeEmbedding
from seqspec.schema.denoiser.unet import GROUPS, UnetConfig
from seqspec.schema.types import Image, Type


class Unet(nn.Module):
    """``[B, C, H, W]``, times ``[B]`` and classes give ``[B, C, H, W]``."""

    def __init__(self, config: UnetConfig, takes: Mapping[str, Type]) -> None:
        super().__init__()
        image, dim = takes["image"], config.dim
        assert isinstance(image, Image)
        wide, at = 4 * dim, set(config.attention_at)
        self.time = TimeEmbedding(dim, wide, classes=classes_of(takes))
        self.first = convolution(image.channels, dim)
        widths = [dim * by for by in config.multipliers]

        def block(inputs: int, outputs: int, *, attends: bool) -> _Block:
            return _Block(inputs, outputs, wide, dropout=config.dropout, attends=attends)

        self.down, self.up = nn.ModuleList(), nn.ModuleList()
        held, width = [dim], dim
        for stage, outputs in enumerate(widths):
            attends = image.height >> stage in at
            for _ in range(config.num_blocks):
                self.down.append(block(width, outputs, attends=attends))
                width = outputs
                held.append(width)
            if stage < len(widths) - 1:
                self.down.append(_Halve(width))
                held.append(width)
        self.middle = nn.ModuleList([block(width, width, attends=one) for one in (True, False)])
        for stage, outputs in reversed(list(enumerate(widths))):
            attends = image.height >> stage in at
            for _ in range(config.num_blocks + 1):
                self.up.append(block(held.pop() + width, outputs, attends=attends))
                width = outputs
            if stage:
                self.up.append(_Double(width))
        self.norm = group_norm(width)
        self.last = convolution(width, image.channels, gain=1e-5)

    def forward(self, x_BCHW: Tensor, time_B: Tensor, classes_B: Tensor | None = None) -> Tensor:
        time_BD = self.time(time_B, classes_B)
        x_BCHW = self.first(x_BCHW)
        held = [x_BCHW]
        for layer in self.down:
            x_BCHW = layer(x_BCHW, time_BD)
            held.append(x_BCHW)
        for layer in self.middle:
            x_BCHW = layer(x_BCHW, time_BD)
        for layer in self.up:
            joined = torch.cat([x_BCHW, held.pop()], dim=1) if isinstance(layer, _Block) else x_BCHW
            x_BCHW = layer(joined, time_BD)
        given: Tensor = self.last(functional.silu(self.norm(x_BCHW)))
        return given


class _Block(nn.Module):
    """Two convolutions beside a shortcut, the time added between them; then attention where it is asked."""

    def __init__(self, inputs: int, outputs: int, wide: int, *, dropout: float, attends: bool) -> None:
        super().__init__()
        self.norms = nn.ModuleList([group_norm(inputs), group_norm(outputs)])
        self.first, self.second = convolution(inputs, outputs), convolution(outputs, outputs, gain=1e-5)
        self.time = nn.Linear(wide, outputs)
        self.dropout = Dropout(dropout)
        self.shortcut = nn.Identity() if inputs == outputs else convolution(inputs, outputs, kernel=1)
        self.attention = _Attention(outputs) if attends else None

    def forward(self, x_BCHW: Tensor, time_BD: Tensor) -> Tensor:
        given = self.first(functional.silu(self.norms[0](x_BCHW)))
        given = given + self.time(functional.silu(time_BD))[:, :, None, None]
        given = self.second(self.dropout(functional.silu(self.norms[1](given))))
        x_BCHW = self.shortcut(x_BCHW) + given
        return x_BCHW if self.attention is None else self.attention(x_BCHW)


class _Attention(nn.Module):
    """One head between all places of a map, added to it."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = group_norm(channels)
        self.query, self.key, self.value = (convolution(channels, channels, kernel=1) for _ in range(3))
        self.output = convolution(channels, channels, kernel=1, gain=1e-5)

    def forward(self, x_BCHW: Tensor) -> Tensor:
        given = self.norm(x_BCHW)
        heads = (layer(given).flatten(2).transpose(1, 2) for layer in (self.query, self.key, self.value))
        mixed_BPC = functional.scaled_dot_product_attention(*heads)
        return x_BCHW + self.output(mixed_BPC.transpose(1, 2).unflatten(2, x_BCHW.shape[-2:]))


class _Halve(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.convolution = convolution(channels, channels, stride=2)

    def forward(self, x_BCHW: Tensor, time_BD: Tensor) -> Tensor:
        given: Tensor = self.convolution(x_BCHW)
        return given


class _Double(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.convolution = convolution(channels, channels)

    def forward(self, x_BCHW: Tensor, time_BD: Tensor) -> Tensor:
        larger = x_BCHW.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)
        given: Tensor = self.convolution(larger)
        return given


def group_norm(channels: int) -> nn.GroupNorm:
    """As many groups as divide the channels, 32 at most."""
    return nn.GroupNorm(next(n for n in range(min(GROUPS, channels), 0, -1) if channels % n == 0), channels)


def convolution(
    inputs: int, outputs: int, *, kernel: int = 3, stride: int = 1, gain: float = 1.0
) -> nn.Conv2d:
    """With Glorot's uniform values; a small ``gain`` lets a block begin as its shortcut."""
    layer = nn.Conv2d(inputs, outputs, kernel, stride=stride, padding=kernel // 2)
    nn.init.xavier_uniform_(layer.weight, gain=gain)
    assert layer.bias is not None
    nn.init.zeros_(layer.bias)
    return layer
