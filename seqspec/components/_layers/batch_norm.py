"""Batch normalisation that leaves padding out of its statistics, and the ReLU after it.

Ioffe & Szegedy (2015), "Batch Normalization: Accelerating Deep Network Training by Reducing Internal
Covariate Shift", arXiv:1502.03167; padded steps are neither counted nor summed, as in Lingvo.
"""

# B batch, T time, C channels (last); any dimensions may stand between T and C

from __future__ import annotations

import torch
from torch import Tensor, distributed, nn


class MaskedBatchNormRelu(nn.Module):
    """Normalises the last dimension over every real position, then cuts off below zero.

    ``decay`` keeps the running mean and variance.  The input's padded positions are set to zero in place.
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
        """``x`` is ``[B, T, …, C]``, and nothing else may need it; padded positions come out as zero."""
        if not self.training:
            scale = self.weight_C * (self.variance_C + self.eps).rsqrt()
            y = torch.addcmul(self.bias_C - self.mean_C * scale, x, scale).relu()
            return y * _broadcast(mask_BT, x)
        given: Tensor
        given, mean, variance = _NormaliseRelu.apply(x, mask_BT, self.weight_C, self.bias_C, self.eps)
        self._follow(mean, variance)
        return given

    @torch.no_grad()
    def _follow(self, mean_C: Tensor, variance_C: Tensor) -> None:
        """Processes follow one another's slices in order, as one process does that takes the slices in
        turn.
        """
        for mean, variance in of_every_process(torch.stack([mean_C, variance_C])):
            self.mean_C.lerp_(mean, 1 - self.decay)
            self.variance_C.lerp_(variance, 1 - self.decay)


class _NormaliseRelu(torch.autograd.Function):
    """One pass a moment, one to normalise; the gradient in closed form."""

    @staticmethod
    def forward(  # type: ignore[no-untyped-def]
        ctx, x: Tensor, mask_BT: Tensor, weight: Tensor, bias: Tensor, eps: float
    ) -> tuple[Tensor, Tensor, Tensor]:
        x = clear_padding(x, mask_BT)
        over = tuple(range(x.dim() - 1))
        count = (mask_BT.sum() * (x.numel() // (mask_BT.numel() * x.shape[-1]))).clamp_min(1)
        mean = x.sum(over) / count
        # The squares' sum is exact enough: what comes here is a product with weights around zero.
        variance = (torch.linalg.vector_norm(x, dim=over).square() / count - mean.square()).clamp_min(0)
        scale = (variance + eps).rsqrt()
        y = torch.addcmul(bias - mean * scale * weight, x, scale * weight).relu_()
        y = clear_padding(y, mask_BT)
        ctx.save_for_backward(x, y, mask_BT, weight, mean, scale, count)
        ctx.mark_non_differentiable(mean, variance)
        return y, mean, variance

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, grad: Tensor, *_unused: Tensor) -> tuple[Tensor | None, ...]:  # type: ignore[no-untyped-def]
        x, y, mask_BT, weight, mean, scale, count = ctx.saved_tensors
        over = tuple(range(x.dim() - 1))
        grad = torch.ops.aten.threshold_backward(grad, y, 0)
        grad_bias = grad.sum(over)
        grad_weight = ((grad * x).sum(over) - mean * grad_bias) * scale
        # weight · scale · (grad - mean(grad) - normal · mean(grad · normal)), gathered by what multiplies x
        slope = weight * scale
        by_x = -slope * scale * grad_weight / count
        constant = -slope * grad_bias / count - by_x * mean
        grad_x = torch.addcmul(constant, grad, slope).addcmul_(x, by_x)
        return clear_padding(grad_x, mask_BT), None, grad_weight, grad_bias, None


def of_every_process(x: Tensor) -> list[Tensor]:
    """``x`` of each process that shares a step, in order of rank."""
    if not distributed.is_available() or not distributed.is_initialized():
        return [x]
    parts = [torch.empty_like(x) for _ in range(distributed.get_world_size())]
    distributed.all_gather(parts, x)
    return parts


def clear_padding(x: Tensor, mask_BT: Tensor) -> Tensor:
    """Zero beyond each length, in place.  On a CPU only the padding is touched; elsewhere that would need a
    copy of lengths.
    """
    if x.device.type != "cpu":
        return x.mul_(_broadcast(mask_BT, x))
    for row, length in zip(x, mask_BT.sum(1).tolist(), strict=True):
        row[length:] = 0
    return x


def _broadcast(mask_BT: Tensor, x: Tensor) -> Tensor:
    return mask_BT.reshape(*mask_BT.shape, *[1] * (x.dim() - 2)).to(x.dtype)
