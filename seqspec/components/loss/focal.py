"""Focal loss: Lin et al. (2017), "Focal Loss for Dense Object Detection", arXiv:1708.02002, equation 4."""

# N rows (targets), D width, V classes or vocabulary

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from seqspec.components.loss._class_weights import ClassWeight
from seqspec.components.loss._loss import Loss
from seqspec.schema.loss.focal import FocalConfig
from seqspec.schema.types import PAD, Logits

NO_CLASS = -1
"""What no example's class is: 0 is the first of them."""


class Focal(nn.Module):
    """``criterion(hidden, labels, head)``; token ids that are 0 count nothing, classes all count."""

    def __init__(self, config: FocalConfig, source: Logits) -> None:
        super().__init__()
        self.gamma = config.gamma
        self.ignore = PAD if source.stride else NO_CLASS
        self.weights = ClassWeight(config.class_weights, source)

    def know_classes(self, names: Sequence[str], counts: Sequence[int] | None) -> None:
        """Names and training examples of the classes, in the order of their numbers."""
        self.weights.know_classes(names, counts)

    def forward(self, hidden_BUD: Tensor, labels_BU: Tensor, head: nn.Module) -> Loss:
        """``nll`` among the terms is plain negative log-likelihood, in nats."""
        hidden_ND, labels_N = hidden_BUD.flatten(0, -2), labels_BU.flatten()
        real_N = labels_N != self.ignore
        at_N = labels_N.clamp(min=0)
        log_p_NV = head(hidden_ND).float().log_softmax(-1)
        nll_N = -log_p_NV.gather(1, at_N[:, None]).squeeze(1)
        # At p = 1 the power of 0 has no slope; rounding may even give a p above 1.
        miss_N = (-torch.expm1(-nll_N)).clamp(min=torch.finfo(nll_N.dtype).tiny)
        focal_N = miss_N.pow(self.gamma) * nll_N
        weight_V = self.weights()
        if weight_V is not None:
            focal_N = focal_N * weight_V.to(focal_N.device)[at_N]
        terms = {"nll": (nll_N * real_N).sum().detach()}
        if not torch.is_grad_enabled():
            terms["correct"] = ((log_p_NV.argmax(-1) == labels_N) & real_N).sum()
        return Loss((focal_N * real_N).sum(), real_N.sum(), terms)
