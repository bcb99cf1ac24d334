"""Strided convolutions over time and frequency that shorten a sequence of frames."""

# B batch, T time, F bins, C channels

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from seqspec.components._layers.batch_norm import MaskedBatchNormRelu
from seqspec.components._layers.masked_relu import masked_relu
from seqspec.components._layers.masks import length_mask


class ConvBlock(nn.Module):
    """One 3 × 3 convolution, batch normalisation over real frames where wanted, ReLU.

    Padding is one frame and one bin on every side, so T frames give ceil(T / stride); frames beyond a length
    are zero on the way in and on the way out.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        *,
        stride: tuple[int, int],
        batch_norm_decay: float | None,
        init_std: float | None,
    ) -> None:
        super().__init__()
        self.stride = stride
        self.conv = nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=batch_norm_decay is None)
        if init_std is not None:
            nn.init.normal_(self.conv.weight, std=init_std)
        else:
            nn.init.kaiming_normal_(self.conv.weight, nonlinearity="relu")
        if self.conv.bias is not None:
            nn.init.zeros_(self.conv.bias)
        self.norm = None if batch_norm_decay is None else MaskedBatchNormRelu(outputs, decay=batch_norm_decay)

    def forward(self, x_BCTF: Tensor, lengths_B: Tensor) -> tuple[Tensor, Tensor]:
        x_BCTF = self.conv(x_BCTF)
        lengths_B = shortened(lengths_B, self.stride[0])
        return self._shown(x_BCTF, length_mask(lengths_B, x_BCTF.shape[2])), lengths_B

    def _shown(self, x_BCTF: Tensor, mask_BT: Tensor) -> Tensor:
        apply = masked_relu if self.norm is None else self.norm
        given: Tensor = apply(x_BCTF.permute(0, 2, 3, 1), mask_BT).permute(0, 3, 1, 2)
        return given

    def advance(self, x_BCTF: Tensor, held: Tensor | None, *, last: bool) -> tuple[Tensor, Tensor]:
        """What can be told once ``x`` has come after the frames in ``held`` (``None`` at first): the states,
        and the frames that are to be held for the next ones.
        """
        held = functional.pad(x_BCTF[:, :, :0], (0, 0, 1, 0)) if held is None else held
        x_BCTF = functional.pad(torch.cat([held, x_BCTF], dim=2), (0, 0, 0, int(last)))
        count = max((x_BCTF.shape[2] - 3) // self.stride[0] + 1, 0)
        rest = x_BCTF[:, :, count * self.stride[0] :]
        if not count:
            bins = -(-x_BCTF.shape[3] // self.stride[1])
            return x_BCTF.new_empty(len(x_BCTF), self.conv.out_channels, 0, bins), rest
        conv = self.conv
        y = functional.conv2d(x_BCTF, conv.weight, conv.bias, self.stride, padding=(0, 1))
        return self._shown(y, y.new_ones(len(y), count, dtype=torch.bool)), rest


class ConvStack(nn.Module):
    """Convolutions in a row over ``[B, T, channels · bins]``; gives ``[B, ceil(T / stride), dim]`` with
    ``dim`` features.
    """

    def __init__(
        self,
        bins: int,
        *,
        inputs: int,
        channels: Sequence[int],
        strides: Sequence[tuple[int, int]],
        batch_norm_decay: float | None = None,
        init_std: float | None = None,
    ) -> None:
        super().__init__()
        self.inputs = inputs
        widths = [inputs, *channels]
        self.blocks = nn.ModuleList(
            ConvBlock(before, after, stride=stride, batch_norm_decay=batch_norm_decay, init_std=init_std)
            for before, after, stride in zip(widths[:-1], widths[1:], strides, strict=True)
        )
        for _, by in strides:
            bins = -(-bins // by)
        self.dim = bins * widths[-1]

    def forward(self, x_BTD: Tensor, lengths_B: Tensor) -> tuple[Tensor, Tensor]:
        """Features of a frame stand channel by channel, bins within a channel."""
        if x_BTD.shape[1] == 0:
            # A recording shorter than one window has no frame, and no kernel runs over nothing.
            x_BTD = functional.pad(x_BTD, (0, 0, 0, 1))
        mask_BT = length_mask(lengths_B, x_BTD.shape[1])
        real_BTD = x_BTD * mask_BT[..., None]
        x_BTCF = real_BTD.view(*mask_BT.shape, self.inputs, x_BTD.shape[2] // self.inputs)
        # Channels last is how the kernels compute and how the normalisation reads.
        x_BCTF = x_BTCF.transpose(2, 3).contiguous().permute(0, 3, 1, 2)
        for block in self.blocks:
            x_BCTF, lengths_B = block(x_BCTF, lengths_B)
        return x_BCTF.transpose(1, 2).flatten(2), lengths_B

    def advance(
        self, x_BTD: Tensor, held: tuple[Tensor, ...] | None, *, last: bool
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        """More frames of a stream: the states that can be told by now, and what each block holds."""
        bins = x_BTD.shape[2] // self.inputs
        x_BCTF = x_BTD.view(*x_BTD.shape[:2], self.inputs, bins).transpose(1, 2)
        rest: list[Tensor] = []
        before: Any = held or [None] * len(self.blocks)
        for block, own in zip(self.blocks, before, strict=True):
            assert isinstance(block, ConvBlock)
            x_BCTF, kept = block.advance(x_BCTF, own, last=last)
            rest.append(kept)
        return x_BCTF.transpose(1, 2).flatten(2), tuple(rest)


def shortened(lengths_B: Tensor, stride: int) -> Tensor:
    """Lengths after a layer that keeps one step in ``stride``, rounded up."""
    return torch.div(lengths_B + stride - 1, stride, rounding_mode="floor")
