"""Losses over the pixels of masks, each a mean over the pixels of one image, so that how a batch is split up
changes nothing.
"""

# B batch, V classes, H height, W width, P pixels

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from seqspec.components.loss._loss import Loss


def pixel_cross_entropy(
    logits_BVHW: Tensor, classes_BHW: Tensor, *, ignore: int, smoothing: float = 0.0, z_loss: float = 0.0
) -> Loss:
    """The mean over the pixels of each image that have a class, summed over images."""
    logits_BVHW = logits_BVHW.float()
    real_BHW = classes_BHW != ignore
    wanted_BHW = classes_BHW.masked_fill(~real_BHW, 0)
    log_probs_BVHW = logits_BVHW.log_softmax(1)
    nll_BHW = -log_probs_BVHW.gather(1, wanted_BHW[:, None]).squeeze(1)
    each_BHW = nll_BHW
    if smoothing:
        each_BHW = torch.lerp(nll_BHW, -log_probs_BVHW.mean(1), smoothing)
    if z_loss:
        each_BHW = each_BHW + z_loss * logits_BVHW.logsumexp(1).square()
    count = torch.tensor(len(logits_BVHW), device=logits_BVHW.device)
    total, nll = mean_over(each_BHW, real_BHW).sum(), mean_over(nll_BHW, real_BHW).detach().sum()
    return Loss(total, count, {"nll": nll})


def mean_over(values_BHW: Tensor, real_BHW: Tensor) -> Tensor:
    """``[B]``: the mean over the pixels that count; 0 where none does."""
    sums_B = (values_BHW * real_BHW).flatten(1).sum(1)
    return sums_B / real_BHW.flatten(1).sum(1).clamp(min=1)


def shares(logits_BVHW: Tensor, classes_BHW: Tensor, *, ignore: int | None) -> tuple[Tensor, Tensor]:
    """Probabilities and truth ``[B, V, P]``, both 0 at pixels without a class."""
    real_BHW = torch.ones_like(classes_BHW, dtype=torch.bool) if ignore is None else classes_BHW != ignore
    number = logits_BVHW.shape[1]
    one_BHWV = functional.one_hot(classes_BHW.masked_fill(~real_BHW, 0), number)
    real_B1HW = real_BHW[:, None]
    truth_BVHW = one_BHWV.permute(0, 3, 1, 2).to(torch.float32) * real_B1HW
    given_BVHW = logits_BVHW.float().softmax(1) * real_B1HW
    return given_BVHW.flatten(2), truth_BVHW.flatten(2)
