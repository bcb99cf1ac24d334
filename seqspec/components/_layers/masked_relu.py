"""The ReLU of real steps, with zeros where there are none."""

# B batch, T time

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from seqspec.components._layers.masks import broadcast_mask, clear_padding


def masked_relu(x: Tensor, mask_BT: Tensor) -> Tensor:
    """``[B, T, …]``: where ``mask_BT`` is true, what lies above zero, and zero elsewhere.

    While a CPU learns, the zeros are written into the result, which the gradient needs anyway: a product with
    the mask would be one more pass over memory each way, and one more tensor to keep.
    """
    if x.device.type == "cpu" and torch.is_grad_enabled() and not torch.compiler.is_compiling():
        given: Tensor = _MaskedRelu.apply(x, mask_BT)
        return given
    return torch.relu(x) * broadcast_mask(mask_BT, x)


class _MaskedRelu(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, mask_BT: Tensor) -> Tensor:
        ctx.save_for_backward(y := clear_padding(torch.relu(x), mask_BT))
        return y

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        (y,) = ctx.saved_tensors
        return torch.ops.aten.threshold_backward(grad, y, 0), None
