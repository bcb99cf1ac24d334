"""Dropout with cheap masks: Srivastava et al. (2014), "Dropout: A Simple Way to Prevent Neural Networks from
Overfitting", JMLR 15.

On a CPU torch draws one random number an element, one after the other; that is the largest removable cost of
a training step. Here four elements share one 64-bit word of a generator (SFC64) that is freshly seeded from
torch's own for every mask, so masks are independent, never reused, and repeat with ``torch.manual_seed``.
The rate is kept to within 1/131072.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

LEVELS = 1 << 16
"""Values of the 16 random bits that decide one element."""


class Dropout(nn.Module):
    """Zeroes each element with probability ``p`` while training; the rest is scaled to keep the mean."""

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p

    def forward(self, x: Tensor) -> Tensor:
        return dropout(x, self.p) if self.training else x

    def added(self, x: Tensor, y: Tensor) -> Tensor:
        """``x + self(y)``, in one pass where the masks are ours."""
        zeros = round(self.p * LEVELS) if self.training else 0
        if zeros == 0:
            return x + y
        if not _ours(x) or x.shape != y.shape or x.dtype != y.dtype:
            return x + self(y)
        given: Tensor = _AddDropped.apply(x, y, zeros)
        return given

    def extra_repr(self) -> str:
        return f"p={self.p}"


def dropout(x: Tensor, p: float) -> Tensor:
    """``x`` with fresh zeros; cheap on a CPU, torch's own elsewhere."""
    zeros = round(p * LEVELS)
    if zeros == 0:
        return x
    if not _ours(x):
        return functional.dropout(x, p)
    dropped: Tensor = _CheapDropout.apply(x, zeros)
    return dropped


def _ours(x: Tensor) -> bool:
    return x.device.type == "cpu" and not torch.compiler.is_compiling()


def _mask(x: Tensor, zeros: int) -> Tensor:
    """Of ``x``'s shape: zeros, and what keeps the mean."""
    mask = torch.empty(x.shape, dtype=x.dtype)
    torch.ge(random_bits(x.numel()).view(x.shape), zeros - LEVELS // 2, out=mask)
    return mask.mul_(LEVELS / (LEVELS - zeros))


class _CheapDropout(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, zeros: int) -> Tensor:
        ctx.save_for_backward(mask := _mask(x, zeros))
        return x * mask

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        (mask,) = ctx.saved_tensors
        return grad * mask, None


class _AddDropped(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, y: Tensor, zeros: int) -> Tensor:
        ctx.save_for_backward(mask := _mask(y, zeros))
        return torch.addcmul(x, y, mask)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, None]:
        (mask,) = ctx.saved_tensors
        return grad, grad * mask, None


def random_bits(count: int) -> Tensor:
    """``count`` independent 16-bit numbers, uniform over int16, decided by torch's generator."""
    seed = int(torch.empty((), dtype=torch.int64).random_())
    words = np.random.Generator(np.random.SFC64(seed)).integers(0, 2**64, -(-count // 4), dtype=np.uint64)
    return torch.from_numpy(words.view(np.int16))[:count]
