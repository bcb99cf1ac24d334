"""Batch normalisation that leaves padding out of its statistics, and the ReLU after it.

Ioffe & Szegedy (2015), "Batch Normalization: Accelerating Deep Network Training by Reducing Internal
Covariate Shift", arXiv:1502.03167; padded steps are neither counted nor summed, as in Lingvo.
"""

# B batch, T time, C channels (last); any dimensions may stand between T and C

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, distributed, nn

from seqspec.components._layers.masks import broadcast_mask, clear_padding


class MaskedBatchNormRelu(nn.Module):
    """Normalises the last dimension over every real position, then cuts off below zero, or with a ``slope``
    scales by it what lies there.

    ``decay`` keeps the running mean and variance.  The input's padded positions may be set to zero in place.
    Contiguous memory, channels last, spares copies.
    """

    mean_C: Tensor
    variance_C: Tensor

    def __init__(self, dim: int, *, decay: float, eps: float = 1e-3, slope: float = 0.0) -> None:
        super().__init__()
        self.decay = decay
        self.eps = eps
        self.slope = slope
        self.weight_C = nn.Parameter(torch.ones(dim))
        self.bias_C = nn.Parameter(torch.zeros(dim))
        self.register_buffer("mean_C", torch.zeros(dim))
        self.register_buffer("variance_C", torch.ones(dim))

    def forward(self, x: Tensor, mask_BT: Tensor) -> Tensor:
        """``x`` is ``[B, T, …, C]``, and nothing else may need it; padded positions come out as zero."""
        if not self.training:
            scale = self.weight_C * (self.variance_C + self.eps).rsqrt()
            y = _cut_(torch.addcmul(self.bias_C - self.mean_C * scale, x, scale), self.slope)
            return y * broadcast_mask(mask_BT, x)
        given: Tensor
        given, mean, variance = _NormaliseRelu.apply(
            x.to(self.weight_C.dtype), mask_BT, self.weight_C, self.bias_C, self.eps, self.slope
        )
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
    """Statistics, normalisation and gradient in as few passes over memory as torch has kernels for.

    ``[B, T, …, C]`` is read as rows of steps and columns of everything else, since what is laid out channels
    last has too short an inner dimension to be added up or scaled channel by channel.
    """

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, mask_BT: Tensor, weight: Tensor, bias: Tensor, eps: float, below: float = 0.0
    ) -> tuple[Tensor, Tensor, Tensor]:
        x = clear_padding(x.contiguous(), mask_BT)
        rows = x.view(mask_BT.numel(), -1)
        copies = rows.shape[1] // len(weight)
        count = (mask_BT.sum() * copies).clamp_min(1)
        mean, square = (m.view(copies, -1).sum(0) * len(rows) / count for m in _moments(rows))
        # The square's mean is exact enough: what comes here is a product with weights around zero.
        variance = (square - mean.square()).clamp_min(0)
        scale = (variance + eps).rsqrt()
        slope = scale * weight
        y = _cut_(torch.addcmul((bias - mean * slope).repeat(copies), rows, slope.repeat(copies)), below)
        y = clear_padding(y.view(x.shape), mask_BT)
        ctx.save_for_backward(x, y, mask_BT, weight, mean, scale, count)
        ctx.below = below
        ctx.mark_non_differentiable(mean, variance)
        return y, mean, variance

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad: Tensor, *_unused: Tensor) -> tuple[Tensor | None, ...]:
        x, y, mask_BT, weight, mean, scale, count = ctx.saved_tensors
        rows = x.view(mask_BT.numel(), -1)
        copies = rows.shape[1] // len(weight)
        grad = _cut_backward(grad.contiguous(), y, ctx.below).view(rows.shape)
        by_weight, by_bias = _sums(grad, rows, mean.repeat(copies), scale.repeat(copies))
        grad_weight, grad_bias = (g.view(copies, -1).sum(0) for g in (by_weight, by_bias))
        # weight · scale · (grad - mean(grad) - normal · mean(grad · normal)), gathered by what multiplies x
        slope = weight * scale
        by_x = -slope * scale * grad_weight / count
        constant = -slope * grad_bias / count - by_x * mean
        grad_x = torch.addcmul(constant.repeat(copies), grad, slope.repeat(copies), out=grad)
        grad_x = grad_x.addcmul_(rows, by_x.repeat(copies)).view(x.shape)
        return clear_padding(grad_x, mask_BT), None, grad_weight, grad_bias, None, None


def _cut_(y: Tensor, slope: float) -> Tensor:
    """In place."""
    return torch.nn.functional.leaky_relu_(y, slope) if slope else y.relu_()


def _cut_backward(grad: Tensor, y: Tensor, slope: float) -> Tensor:
    """``y`` is what was given, which has the sign of what was taken."""
    if slope:
        given: Tensor = torch.ops.aten.leaky_relu_backward(grad, y, slope, True)
        return given
    cut: Tensor = torch.ops.aten.threshold_backward(grad, y, 0)
    return cut


def _moments(rows: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and mean square of every column."""
    if rows.device.type != "cpu":
        return rows.mean(0), torch.linalg.vector_norm(rows, dim=0).square() / len(rows)
    mean, variance = torch.batch_norm_update_stats(rows, None, None, 0.0)
    return mean, variance + mean.square()


def _sums(grad: Tensor, rows: Tensor, mean: Tensor, scale: Tensor) -> tuple[Tensor, Tensor]:
    """The gradients of weight and bias, column by column."""
    if rows.device.type != "cpu":
        return ((grad * rows).sum(0) - mean * grad.sum(0)) * scale, grad.sum(0)
    _, by_weight, by_bias = torch.ops.aten.native_batch_norm_backward(
        grad, rows, scale, None, None, mean, scale, True, 0.0, [False, True, True]
    )
    return by_weight, by_bias


def of_every_process(x: Tensor) -> list[Tensor]:
    """``x`` of each process that shares a step, in order of rank."""
    if not distributed.is_available() or not distributed.is_initialized():
        return [x]
    parts = [torch.empty_like(x) for _ in range(distributed.get_world_size())]
    distributed.all_gather(parts, x)
    return parts
