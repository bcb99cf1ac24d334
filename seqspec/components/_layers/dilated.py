"""Dilated convolution blocks over time: Kalchbrenner et al. (2016), "Neural Machine Translation in Linear
Time", arXiv:1610.10099, in Tensor2Tensor's arrangement (ReLU, convolution without a bias, layer
normalisation).
"""

# B batch, N hypotheses, T time, D width, K kernel

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from seqspec.components._layers.dropout import Dropout
from seqspec.components._layers.module_list import ModuleList


class DilatedBlock(nn.Module):
    """One convolution of the residual stack."""

    def __init__(self, inputs: int, dim: int, *, kernel: int, dilation: int, causal: bool) -> None:
        super().__init__()
        self.convolution = nn.Conv1d(inputs, dim, kernel, dilation=dilation, bias=False)
        nn.init.xavier_uniform_(self.convolution.weight)
        self.norm = nn.LayerNorm(dim, eps=1e-6)
        self.reach = (kernel - 1) * dilation
        self.left = self.reach if causal else self.reach // 2

    def forward(self, x_BTD: Tensor, mask_BT: Tensor | None = None) -> Tensor:
        x_BTD = torch.relu(x_BTD)
        if mask_BT is not None:
            x_BTD = x_BTD * mask_BT[..., None]
        padded = functional.pad(x_BTD.transpose(1, 2), (self.left, self.reach - self.left))
        given: Tensor = self.norm(self.convolution(padded).transpose(1, 2))
        return given

    def start(self, size: int) -> Tensor:
        """``[N, reach, D]``: the inputs before the first, zeros."""
        weight = self.convolution.weight
        return weight.new_zeros(size, self.reach, weight.shape[1])

    def step(self, x_ND: Tensor, before: Tensor) -> tuple[Tensor, Tensor]:
        """One more input; gives its output and the inputs that the next step needs."""
        window = torch.cat([before, torch.relu(x_ND)[:, None]], dim=1)
        given: Tensor = self.norm(self.convolution(window.transpose(1, 2)).squeeze(2))
        return given, window[:, 1:]


class DilatedStack(nn.Module):
    """``num_blocks`` times: normalise, a convolution for each dilation, dropout, and add."""

    def __init__(
        self, dim: int, *, num_blocks: int, dilations: list[int], kernel: int, dropout: float, causal: bool
    ) -> None:
        super().__init__()
        self.norms = nn.ModuleList(nn.LayerNorm(dim, eps=1e-6) for _ in range(num_blocks))
        self.blocks = ModuleList(
            ModuleList(DilatedBlock(dim, dim, kernel=kernel, dilation=d, causal=causal) for d in dilations)
            for _ in range(num_blocks)
        )
        self.dropout = Dropout(dropout)

    def forward(self, x_BTD: Tensor, mask_BT: Tensor | None = None) -> Tensor:
        for norm, blocks in zip(self.norms, self.blocks, strict=True):
            y_BTD = norm(x_BTD)
            for block in blocks:
                y_BTD = block(y_BTD, mask_BT)
            x_BTD = self.dropout.added(x_BTD, y_BTD)
        return x_BTD

    def start(self, size: int) -> list[Tensor]:
        """What every convolution has read before the first step."""
        return [block.start(size) for blocks in self.blocks for block in blocks]

    def step(self, x_ND: Tensor, before: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
        """One more input through the whole stack."""
        given, after = iter(before), []
        for norm, blocks in zip(self.norms, self.blocks, strict=True):
            y_ND = norm(x_ND)
            for block in blocks:
                y_ND, kept = block.step(y_ND, next(given))
                after.append(kept)
            x_ND = self.dropout.added(x_ND, y_ND)
        return x_ND, after
