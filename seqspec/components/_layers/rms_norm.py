"""Normalisation by the root mean square: Zhang & Sennrich (2019), "Root Mean Square Layer Normalization",
arXiv:1910.07467.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional

_aten: Any = torch.ops.aten


class RMSNorm(nn.Module):
    """Over the last dimension, with a weight."""

    def __init__(self, dim: int, *, eps: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(dim))
        self.eps = eps

    def forward(self, x: Tensor) -> Tensor:
        return rms_norm(x, self.weight, eps=self.eps)


def rms_norm(x: Tensor, weight_D: Tensor, *, eps: float) -> Tensor:
    """Torch's own; while training in float32 on a CPU, with its gradient by one kernel in place of ten."""
    learning = torch.is_grad_enabled() and (x.requires_grad or weight_D.requires_grad)
    plain = x.device.type == "cpu" and x.dtype == weight_D.dtype == torch.float32
    if not (learning and plain) or torch.compiler.is_compiling():
        return functional.rms_norm(x, weight_D.shape, weight_D, eps)
    given: Tensor = _RMSNorm.apply(x, weight_D, eps)
    return given


class _RMSNorm(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight_D: Tensor, eps: float) -> Tensor:
        y: Tensor
        y, scale = _aten._fused_rms_norm(x, weight_D.shape, weight_D, eps)
        ctx.save_for_backward(x, weight_D, scale)
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, None]:
        """That of a layer norm whose mean is 0, and what it takes away for the mean given back."""
        x, weight_D, scale = ctx.saved_tensors
        grad = grad.contiguous()
        of_x, of_weight, _ = _aten.native_layer_norm_backward(
            grad, x, weight_D.shape, torch.zeros_like(scale), scale, weight_D, None, (True, True, False)
        )
        of_x.addcmul_((grad @ weight_D)[..., None], scale, value=1 / len(weight_D))
        return of_x, of_weight, None
