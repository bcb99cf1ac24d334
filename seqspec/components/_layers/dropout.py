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

    def extra_repr(self) -> str:
        return f"p={self.p}"


def dropout(x: Tensor, p: float) -> Tensor:
    """``x`` with fresh zeros; cheap on a CPU, torch's own elsewhere."""
    zeros = round(p * LEVELS)
    if zeros == 0:
        return x
    if x.device.type != "cpu" or torch.compiler.is_compiling():
        return functional.dropout(x, p)
    dropped: Tensor = _CheapDropout.apply(x, zeros)
    return dropped


class _CheapDropout(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, zeros: int) -> Tensor:
        mask = torch.empty(x.shape, dtype=x.dtype)
        torch.ge(random_bits(x.numel()).view(x.shape), zeros - LEVELS // 2, out=mask)
        mask.mul_(LEVELS / (LEVELS - zeros))
        ctx.save_for_backward(mask)
        return x * mask

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        (mask,) = ctx.saved_tensors
        return grad * mask, None


def random_bits(count: int) -> Tensor:
    """``count`` independent 16-bit numbers, uniform over int16, decided by torch's generator."""
    seed = int(torch.empty((), dtype=torch.int64).random_())
    words = np.random.Generator(np.random.SFC64(seed)).integers(0, 2**64, -(-count // 4), dtype=np.uint64)
    return torch.from_numpy(words.view(np.int16))[:count]
