"""Shake-shake as Tensor2Tensor has it: convolutions with biases, and a shortcut of two shifted halves."""

# B batch, C channels, H height, W width, D width of the vector

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from seqspec.components._layers.image import pad_same
from seqspec.components._layers.image_batch_norm import ImageBatchNorm
from seqspec.components._layers.separable import glorot
from seqspec.schema.encoder.shake_shake import BRANCHES, STAGES, STEM, ShakeShakeConfig
from seqspec.schema.types import Image

EPSILON = 1e-3
"""What batch normalisation adds to the variance, as in TensorFlow."""


class ShakeShake(nn.Module):
    """``[B, C, H, W]`` images give ``[B, D]``."""

    def __init__(self, config: ShakeShakeConfig, source: Image) -> None:
        super().__init__()
        self.stem = _Convolution(source.channels, STEM, kernel=3, stride=1, decay=config.decay)
        blocks, before = [], STEM
        for stage in range(STAGES):
            width = config.dim * 2**stage
            for number in range(config.num_blocks):
                stride = 2 if stage and not number else 1
                blocks.append(_Block(before, width, stride=stride, shake=config.shake, decay=config.decay))
                before = width
        self.blocks = nn.ModuleList(blocks)

    def forward(self, x_BCHW: Tensor, lengths_B: Tensor | None = None) -> tuple[Tensor, None]:
        """An image has no length, so none is read and none given."""
        x_BCHW = self.stem(x_BCHW.contiguous(memory_format=torch.channels_last))
        for block in self.blocks:
            x_BCHW = block(x_BCHW)
        return x_BCHW.relu().mean((2, 3)), None


class _Block(nn.Module):
    def __init__(self, inputs: int, outputs: int, *, stride: int, shake: str, decay: float) -> None:
        super().__init__()
        self.shake = shake
        self.branches = nn.ModuleList(
            nn.Sequential(
                nn.ReLU(),
                _Convolution(inputs, outputs, kernel=3, stride=stride, decay=decay),
                nn.ReLU(),
                _Convolution(outputs, outputs, kernel=3, stride=1, decay=decay),
            )
            for _ in range(BRANCHES)
        )
        self.shortcut = None
        if inputs != outputs:
            self.shortcut = _Shortcut(inputs, outputs, stride=stride, decay=decay)

    def forward(self, x_BCHW: Tensor) -> Tensor:
        given = torch.stack([branch(x_BCHW) for branch in self.branches])
        kept = x_BCHW if self.shortcut is None else self.shortcut(x_BCHW)
        mixed = shaken(given, share=self.shake) if self.training else given.mean(0)
        return kept + mixed


def shaken(branches: Tensor, *, share: str) -> Tensor:
    """Random shares of ``[branches, B, …]`` that add up to 1, and other ones for the gradient.

    One draw serves an ``image`` or the whole ``batch``; ``none`` takes the mean.
    """
    if share == "none":
        return branches.mean(0)
    rows = branches.shape[1] if share == "image" else 1
    shape = (2, len(branches), rows, *[1] * (branches.dim() - 2))
    draws = torch.rand(shape, device=branches.device, dtype=branches.dtype)
    forward, backward = draws / draws.sum(1, keepdim=True).clamp_min(torch.finfo(draws.dtype).tiny)
    return (branches * backward + (branches * (forward - backward)).detach()).sum(0)


class _Convolution(nn.Module):
    """A convolution with a bias, and batch normalisation."""

    def __init__(self, inputs: int, outputs: int, *, kernel: int, stride: int, decay: float) -> None:
        super().__init__()
        self.kernel, self.stride = kernel, stride
        self.convolution = _convolution(inputs, outputs, kernel=kernel, stride=stride)
        self.norm = ImageBatchNorm(outputs, decay=decay, eps=EPSILON)

    def forward(self, x_BCHW: Tensor) -> Tensor:
        padded = pad_same(x_BCHW, kernel=self.kernel, stride=self.stride)
        given: Tensor = self.norm(self.convolution(padded))
        return given


class _Shortcut(nn.Module):
    """Every second pixel for half of the channels, the pixels below and to the right of those for the other
    half.
    """

    def __init__(self, inputs: int, outputs: int, *, stride: int, decay: float) -> None:
        super().__init__()
        self.stride = stride
        self.here = _convolution(inputs, outputs // 2, kernel=1, stride=1)
        self.beside = _convolution(inputs, outputs // 2, kernel=1, stride=1)
        self.norm = ImageBatchNorm(outputs, decay=decay, eps=EPSILON)

    def forward(self, x_BCHW: Tensor) -> Tensor:
        moved = functional.pad(x_BCHW, (0, 1, 0, 1))[:, :, 1:, 1:]
        here, beside = (x[:, :, :: self.stride, :: self.stride] for x in (x_BCHW, moved))
        given: Tensor = self.norm(torch.cat([self.here(here), self.beside(beside)], dim=1))
        return given


def _convolution(inputs: int, outputs: int, *, kernel: int, stride: int) -> nn.Conv2d:
    layer = nn.Conv2d(inputs, outputs, kernel, stride=stride)
    glorot(layer)
    assert layer.bias is not None
    nn.init.zeros_(layer.bias)
    return layer
