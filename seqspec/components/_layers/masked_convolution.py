"""A convolution over time that padding does not reach."""

# B batch, T time, D width

from __future__ import annotations

from torch import Tensor, nn


class MaskedConvolution(nn.Module):
    """``[B, T, in]`` to ``[B, T, out]``; places that ``mask`` leaves out are read as zeros."""

    def __init__(self, inputs: int, outputs: int, *, kernel: int, bias: bool = True) -> None:
        super().__init__()
        self.convolution = nn.Conv1d(inputs, outputs, kernel, padding=kernel // 2, bias=bias)

    def forward(self, x_BTD: Tensor, mask_BT1: Tensor) -> Tensor:
        y_BTD: Tensor = self.convolution((x_BTD * mask_BT1).transpose(1, 2)).transpose(1, 2)
        return y_BTD
