"""Depthwise-separable convolutions over time: Kaiser et al. (2017), "Depthwise Separable Convolutions for
Neural Machine Translation", arXiv:1706.03059; each feature is convolved alone, then features are mixed within
groups.
"""

# B batch, N hypotheses, T time, D width, K kernel, G groups

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from seqspec.components._layers.module_list import ModuleList


class Separable(NamedTuple):
    """The numbers of one convolution."""

    kernel: int
    dilation: int
    groups: int


class SeparableConvolution(nn.Module):
    """ReLU, a convolution of each feature, a mixture within each group, layer normalisation; no biases.

    ``outputs``: the width of what it gives, where that is not ``dim``.
    """

    def __init__(self, dim: int, size: Separable, *, causal: bool, outputs: int | None = None) -> None:
        super().__init__()
        outputs = outputs or dim
        self.depthwise = nn.Conv1d(dim, dim, size.kernel, dilation=size.dilation, groups=dim, bias=False)
        self.pointwise = nn.Conv1d(dim, outputs, 1, groups=size.groups, bias=False)
        self.norm = nn.LayerNorm(outputs, eps=1e-6)
        self.reach = (size.kernel - 1) * size.dilation
        self.left = self.reach if causal else self.reach // 2
        glorot(self.depthwise)
        glorot(self.pointwise)

    def forward(self, x_BTD: Tensor, mask_BT: Tensor | None = None) -> Tensor:
        """``mask_BT`` keeps padding out of every window."""
        x_BTD = torch.relu(x_BTD)
        if mask_BT is not None:
            x_BTD = x_BTD * mask_BT[..., None]
        padded_BDT = functional.pad(x_BTD.transpose(1, 2), (self.left, self.reach - self.left))
        return self._mix(padded_BDT)

    def start(self, size: int) -> Tensor:
        """``[N, reach, D]``: the inputs before the first, zeros."""
        weight = self.depthwise.weight
        return weight.new_zeros(size, self.reach, len(weight))

    def step(self, x_ND: Tensor, before_NKD: Tensor) -> tuple[Tensor, Tensor]:
        """One more input; gives its output and the inputs that the next step needs."""
        window_NKD = torch.cat([before_NKD, torch.relu(x_ND)[:, None]], dim=1)
        return self._mix(window_NKD.transpose(1, 2)).squeeze(1), window_NKD[:, 1:]

    def _mix(self, x_BDT: Tensor) -> Tensor:
        given: Tensor = self.norm(self.pointwise(self.depthwise(x_BDT)).transpose(1, 2))
        return given


class SeparableStack(nn.Module):
    """Convolutions one after another; ``start`` and ``step`` do the same place by place."""

    def __init__(self, dim: int, sizes: Sequence[Separable], *, causal: bool) -> None:
        super().__init__()
        self.convolutions = ModuleList(SeparableConvolution(dim, size, causal=causal) for size in sizes)

    def forward(self, x_BTD: Tensor, mask_BT: Tensor | None = None) -> Tensor:
        for convolution in self.convolutions:
            x_BTD = convolution(x_BTD, mask_BT)
        return x_BTD

    def start(self, size: int) -> tuple[Tensor, ...]:
        """What every convolution has read before the first step."""
        return tuple(convolution.start(size) for convolution in self.convolutions)

    def step(self, x_ND: Tensor, before: Sequence[Tensor]) -> tuple[Tensor, tuple[Tensor, ...]]:
        """One more input through all of them."""
        after = []
        for convolution, window in zip(self.convolutions, before, strict=True):
            x_ND, kept = convolution.step(x_ND, window)
            after.append(kept)
        return x_ND, tuple(after)


class SeparableLayer(nn.Module):
    """Two convolutions, then the rest of them over their sum with the input; all three are added."""

    FIRST = 2

    def __init__(self, dim: int, sizes: Sequence[Separable], *, causal: bool) -> None:
        super().__init__()
        self.near = SeparableStack(dim, sizes[: self.FIRST], causal=causal)
        self.far = SeparableStack(dim, sizes[self.FIRST :], causal=causal)

    def forward(self, x_BTD: Tensor, mask_BT: Tensor | None = None) -> Tensor:
        near_BTD = self.near(x_BTD, mask_BT)
        far_BTD: Tensor = self.far(x_BTD + near_BTD, mask_BT)
        return x_BTD + far_BTD + near_BTD

    def start(self, size: int) -> tuple[Tensor, ...]:
        """What every convolution has read before the first step."""
        return (*self.near.start(size), *self.far.start(size))

    def step(self, x_ND: Tensor, before: Sequence[Tensor]) -> tuple[Tensor, tuple[Tensor, ...]]:
        """One more input through the layer."""
        near_ND, kept = self.near.step(x_ND, before[: self.FIRST])
        far_ND, more = self.far.step(x_ND + near_ND, before[self.FIRST :])
        return x_ND + far_ND + near_ND, (*kept, *more)


def glorot(layer: nn.Conv1d | nn.Conv2d) -> None:
    """Glorot's uniform values for what one output really reads and one input really reaches."""
    places = layer.weight[0, 0].numel()
    reads = layer.in_channels // layer.groups * places
    reaches = layer.out_channels // layer.groups * places
    bound = (6 / (reads + reaches)) ** 0.5
    nn.init.uniform_(layer.weight, -bound, bound)
