"""Batch normalisation that leaves padding out of its statistics.

Ioffe & Szegedy (2015), "Batch Normalization: Accelerating Deep Network Training by Reducing Internal
Covariate Shift", arXiv:1502.03167; padded steps are neither counted nor summed, as in Lingvo.
"""

# B batch, T time, C channels (last); any dimensions may stand between T and C

from __future__ import annotations

import torch
from torch import Tensor, nn


class MaskedBatchNorm(nn.Module):
    """Normalises the last dimension over every real position.  ``decay`` keeps the running mean and
    variance.
    """

    mean_C: Tensor
    variance_C: Tensor

    def __init__(self, dim: int, *, decay: float, eps: float = 1e-3) -> None:
        super().__init__()
        self.decay = decay
        self.eps = eps
        self.weight_C = nn.Parameter(torch.ones(dim))
        self.bias_C = nn.Parameter(torch.zeros(dim))
        self.register_buffer("mean_C", torch.zeros(dim))
        self.register_buffer("variance_C", torch.ones(dim))

    def forward(self, x: Tensor, mask_BT: Tensor) -> Tensor:
        """``x`` is ``[B, T, …, C]``; padded positions come out as zero."""
        mask = mask_BT.reshape(*mask_BT.shape, *[1] * (x.dim() - 2)).to(x.dtype)
        if not self.training:
            scale = self.weight_C * (self.variance_C + self.eps).rsqrt()
            return torch.addcmul(self.bias_C - self.mean_C * scale, x, scale) * mask
        normal, mean, variance = _Normalise.apply(x, mask, self.eps)
        self._follow(mean, variance)
        return torch.addcmul(self.bias_C, normal, self.weight_C) * mask

    @torch.no_grad()
    def _follow(self, mean_C: Tensor, variance_C: Tensor) -> None:
        self.mean_C.lerp_(mean_C, 1 - self.decay)
        self.variance_C.lerp_(variance_C, 1 - self.decay)


class _Normalise(torch.autograd.Function):
    """Zero mean and unit variance over real positions, with the gradient in closed form."""

    @staticmethod
    def forward(ctx, x: Tensor, mask: Tensor, eps: float) -> tuple[Tensor, Tensor, Tensor]:  # type: ignore[no-untyped-def, override]
        over = tuple(range(x.dim() - 1))
        count = (mask.sum() * (x.numel() // (mask.numel() * x.shape[-1]))).clamp_min(1)
        mean = (x * mask).sum(over) / count
        centred = (x - mean).mul_(mask)
        variance = centred.square().sum(over) / count
        scale = (variance + eps).rsqrt()
        normal = centred.mul_(scale)
        ctx.save_for_backward(normal, mask, scale, count)
        ctx.mark_non_differentiable(mean, variance)
        return normal, mean, variance

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, grad: Tensor, *_unused: Tensor) -> tuple[Tensor, None, None]:  # type: ignore[no-untyped-def, override]
        normal, mask, scale, count = ctx.saved_tensors
        over = tuple(range(grad.dim() - 1))
        grad = grad * mask
        mean_grad = grad.sum(over) / count
        mean_product = (grad * normal).sum(over) / count
        return (grad - mean_grad).addcmul_(normal, mean_product, value=-1).mul_(scale).mul_(mask), None, None
