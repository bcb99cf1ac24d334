"""The last linear layer and cross entropy as one operation, a few rows at a time, so that the logits never
exist whole.

The gradient is worked out in the forward pass while a chunk's logits are at hand, so nothing is computed
twice.
"""

# N rows (targets), D width, V vocabulary, C rows of one chunk

from __future__ import annotations

from contextlib import nullcontext
from typing import Any, NamedTuple

import torch
from torch import Tensor

from seqspec.components._layers.linear import affine

CHUNK = 256
"""Rows of logits that exist at a time; any number from 128 to 1024 is as fast on the machines that were
measured.
"""


class Sums(NamedTuple):
    """Sums over the rows, each a scalar tensor.  Only ``total`` has a gradient."""

    total: Tensor
    """Smoothed cross entropy plus the z-loss."""
    nll: Tensor
    """Plain negative log-likelihood, in nats."""
    correct: Tensor
    """Rows whose target has the highest logit."""


def linear_cross_entropy(
    hidden_ND: Tensor,
    weight_VD: Tensor,
    bias_V: Tensor | None,
    target_N: Tensor,
    *,
    label_smoothing: float = 0.0,
    z_loss: float = 0.0,
    ignore: int | None = 0,
    chunk: int = CHUNK,
    class_weight_V: Tensor | None = None,
) -> Sums:
    """Cross entropy of ``hidden_ND @ weight_VD.T + bias_V``; rows whose target is ``ignore`` count nothing,
    with ``None`` all count.

    ``label_smoothing`` moves that much probability from the target to all of the vocabulary evenly (Szegedy
    et al. 2016, "Rethinking the Inception Architecture", section 7); ``z_loss`` weighs the square of the
    log-normaliser; ``class_weight_V`` multiplies what a row adds to ``total``, by its target.
    """
    options = (label_smoothing, z_loss, ignore, chunk, torch.is_grad_enabled())
    return Sums(*_LinearCrossEntropy.apply(hidden_ND, weight_VD, bias_V, target_N, class_weight_V, options))


class _LinearCrossEntropy(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        hidden_ND: Tensor,
        weight_VD: Tensor,
        bias_V: Tensor | None,
        target_N: Tensor,
        class_weight_V: Tensor | None,
        options: tuple[float, float, int | None, int, bool],
    ) -> tuple[Tensor, Tensor, Tensor]:
        smoothing, z_loss, ignore, chunk, learning = options
        device = hidden_ND.device.type
        mixed = torch.amp.is_autocast_available(device)
        lower = mixed and torch.is_autocast_enabled(device)
        cast = torch.get_autocast_dtype(device) if lower else hidden_ND.dtype
        grads = _Gradients.zeros(ctx.needs_input_grad if learning else (), hidden_ND, weight_VD, bias_V)
        sums = Sums(*hidden_ND.new_zeros(3, dtype=torch.float32).unbind())
        weight, bias = weight_VD.to(cast), None if bias_V is None else bias_V.to(cast)
        with torch.autocast(device, enabled=False) if mixed else nullcontext():
            for start in range(0, hidden_ND.shape[0], chunk):
                rows = slice(start, start + chunk)
                hidden, target_C = hidden_ND[rows].to(cast), target_N[rows]
                logits = affine(hidden, weight, bias).float()
                real_C = None if ignore is None else (target_C != ignore).float()
                weight_C = real_C
                if class_weight_V is not None:
                    weight_C = _times(class_weight_V.to(logits)[target_C], real_C)
                slope = _chunk(logits, target_C, real_C, weight_C, sums, smoothing, z_loss, need=grads.needed)
                if slope is not None:
                    grads.add(rows, slope.to(cast), hidden, weight)
        ctx.save_for_backward(grads.hidden, grads.weight, grads.bias)
        ctx.mark_non_differentiable(sums.nll, sums.correct)
        return sums.total.clone(), sums.nll, sums.correct

    @staticmethod
    def backward(ctx: Any, grad: Tensor, *_: Tensor) -> tuple[Tensor | None, ...]:
        hidden, weight, bias = (None if g is None else g * grad.to(g.dtype) for g in ctx.saved_tensors)
        return hidden, weight, bias, None, None, None


class _Gradients(NamedTuple):
    """Where the gradients of a unit loss are summed; ``None`` where nobody asks."""

    hidden: Tensor | None
    weight: Tensor | None
    bias: Tensor | None

    @classmethod
    def zeros(cls, needs: Any, *inputs: Tensor | None) -> _Gradients:
        asked = tuple(needs)[:3] or (False,) * 3
        hidden, *summed = [x if n else None for n, x in zip(asked, inputs, strict=True)]
        # Every row is written; the rest is summed into.
        rows = None if hidden is None else torch.empty_like(hidden)
        return cls(rows, *(None if x is None else torch.zeros_like(x) for x in summed))

    @property
    def needed(self) -> bool:
        return any(grad is not None for grad in self)

    def add(self, rows: slice, slope_CV: Tensor, hidden_CD: Tensor, weight_VD: Tensor) -> None:
        if self.hidden is not None:
            _write_product(self.hidden[rows], slope_CV, weight_VD)
        if self.weight is not None:
            _add_product(self.weight, slope_CV, hidden_CD)
        if self.bias is not None:
            self.bias.add_(slope_CV.sum(0))


def _write_product(into_CD: Tensor, slope_CV: Tensor, weight_VD: Tensor) -> None:
    if into_CD.dtype == slope_CV.dtype:
        torch.mm(slope_CV, weight_VD, out=into_CD)
    else:
        into_CD.copy_(slope_CV @ weight_VD)


def _add_product(into_VD: Tensor, slope_CV: Tensor, hidden_CD: Tensor) -> None:
    if into_VD.dtype == slope_CV.dtype:
        into_VD.addmm_(slope_CV.T, hidden_CD)
    else:
        into_VD += slope_CV.T @ hidden_CD


def _chunk(
    logits_CV: Tensor,
    target_C: Tensor,
    real_C: Tensor | None,
    weight_C: Tensor | None,
    sums: Sums,
    smoothing: float,
    z_loss: float,
    *,
    need: bool,
) -> Tensor | None:
    """Adds a chunk to the sums; gives the slope of its loss with respect to the logits, made in the logits'
    own memory.  What every row would be multiplied with is ``None`` where that is 1.
    """
    size = logits_CV.shape[1]
    at = target_C[:, None]
    # Before its memory is written over.
    raw_C = logits_CV.gather(1, at).squeeze(1) if z_loss or not need else None
    log_p_CV = torch.log_softmax(logits_CV, dim=1)
    nll_C = -log_p_CV.gather(1, at).squeeze(1)
    nll = _times(nll_C, real_C).sum()
    sums.nll.add_(nll)
    loss_C = nll_C
    if smoothing:
        loss_C = nll_C * (1 - smoothing) - log_p_CV.mean(1) * smoothing
    normaliser_C = None
    if z_loss:
        assert raw_C is not None
        normaliser_C = nll_C + raw_C
        loss_C = loss_C + z_loss * normaliser_C.square()
    is_nll = loss_C is nll_C and weight_C is real_C
    sums.total.add_(nll if is_nll else _times(loss_C, weight_C).sum())
    if not need:
        # Finding the best logit is a pass of its own: not while training.
        assert raw_C is not None
        sums.correct.add_(_times((logits_CV.amax(1) <= raw_C).float(), real_C).sum())
        return None
    slope_CV = log_p_CV.exp_()
    if normaliser_C is not None:
        slope_CV *= (1 + 2 * z_loss * normaliser_C)[:, None]
    if smoothing:
        slope_CV -= smoothing / size
    slope_CV.scatter_add_(1, at, slope_CV.new_full(at.shape, smoothing - 1))
    return slope_CV if weight_C is None else slope_CV.mul_(weight_C[:, None])


def _times(rows_C: Tensor, by_C: Tensor | None) -> Tensor:
    return rows_C if by_C is None else rows_C * by_C


def log_probabilities(
    hidden_BUD: Tensor, labels_BU: Tensor, head: torch.nn.Module, *, ignore: int = 0
) -> Tensor:
    """``[B, U]``: the log-probability of each label, 0 for padding; a few rows of logits at a time."""
    hidden_ND, labels_N = hidden_BUD.flatten(0, -2), labels_BU.flatten()
    given = [
        torch.log_softmax(head(hidden).float(), dim=-1).gather(1, labels[:, None]).squeeze(1)
        for hidden, labels in zip(hidden_ND.split(CHUNK), labels_N.split(CHUNK), strict=True)
    ]
    return torch.cat(given).masked_fill(labels_N == ignore, 0.0).view(labels_BU.shape)
