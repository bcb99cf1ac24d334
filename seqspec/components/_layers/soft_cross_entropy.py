"""Cross entropy with a probability for each class in place of one class.

There are few classes where this is used, so logits exist whole; of probabilities that are 1 and 0 it is what
``linear_cross_entropy`` gives.
"""

# B batch, D width, V classes

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from seqspec.components.loss._loss import Loss


def soft_cross_entropy(
    hidden_BD: Tensor,
    target_BV: Tensor,
    head: Any,
    *,
    label_smoothing: float = 0.0,
    z_loss: float = 0.0,
    class_weight_V: Tensor | None = None,
) -> Loss:
    """``nll`` is the plain cross entropy with ``target_BV``, in nats; smoothing moves probability to all
    classes evenly, and a class's weight counts for an example as much as the class does.
    """
    logits_BV = head(hidden_BD).float()
    normaliser_B = logits_BV.logsumexp(1)
    log_p_BV = logits_BV - normaliser_B[:, None]
    nll_B = -(target_BV * log_p_BV).sum(1)
    loss_B = nll_B
    if label_smoothing:
        loss_B = loss_B * (1 - label_smoothing) - log_p_BV.mean(1) * label_smoothing
    if z_loss:
        loss_B = loss_B + z_loss * normaliser_B.square()
    if class_weight_V is not None:
        loss_B = loss_B * (target_BV @ class_weight_V.to(target_BV))
    count = torch.tensor(len(target_BV), device=target_BV.device)
    return Loss(loss_B.sum(), count, {"nll": nll_B.sum().detach()})
