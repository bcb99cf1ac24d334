"""Cross entropy, fused with the head's linear layer so that the logits never exist whole."""

# B batch, U target time, D width, V vocabulary

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from seqspec.components._layers.linear_cross_entropy import linear_cross_entropy
from seqspec.components._layers.pixel_losses import pixel_cross_entropy
from seqspec.components._layers.soft_cross_entropy import soft_cross_entropy
from seqspec.components.loss._class_weights import ClassWeight
from seqspec.components.loss._loss import Loss
from seqspec.components.protocols import FactoredHead, LinearHead
from seqspec.schema.loss.cross_entropy import CrossEntropyConfig
from seqspec.schema.types import PAD, Logits, PixelLogits

if TYPE_CHECKING:
    from typing_extensions import TypeIs

NO_CLASS = -1
"""What no example's class is: 0 is the first of them, and pads nothing."""


class CrossEntropy(nn.Module):
    """``criterion(hidden, labels, head)``; token ids that are 0 count nothing, classes all count."""

    def __init__(self, config: CrossEntropyConfig, source: Logits | PixelLogits) -> None:
        super().__init__()
        self.label_smoothing = config.label_smoothing
        self.z_loss = config.z_loss
        if isinstance(source, PixelLogits):
            self.ignore = NO_CLASS if source.ignore is None else source.ignore
        else:
            self.ignore = PAD if source.stride else NO_CLASS
        self.weights = ClassWeight(config.class_weights, source)

    def know_classes(self, names: Sequence[str], counts: Sequence[int] | None) -> None:
        """Names and training examples of the classes, in the order of their numbers."""
        self.weights.know_classes(names, counts)

    def forward(
        self, hidden_BUD: Tensor, labels_BU: Tensor, head: LinearHead | FactoredHead | None = None
    ) -> Loss:
        """``head`` has ``weight_VD`` and ``bias_V``.  Without smoothing and weights in evaluation, ``total``
        equals ``nll``.  Without a head these are ``PixelScores``.  Labels that are floats are ``[B, V]``, a
        probability for each class.
        """
        if head is None:
            return pixel_cross_entropy(
                hidden_BUD, labels_BU, ignore=self.ignore, smoothing=self.label_smoothing, z_loss=self.z_loss
            )
        if labels_BU.is_floating_point():
            return soft_cross_entropy(
                hidden_BUD,
                labels_BU,
                head,
                label_smoothing=self.label_smoothing,
                z_loss=self.z_loss,
                class_weight_V=self.weights(),
            )
        hidden_ND, labels_N = hidden_BUD.flatten(0, -2), labels_BU.flatten()
        ignore: int | None = self.ignore
        if hidden_ND.device.type == "cpu":
            # Elsewhere choosing rows would make the host wait for the device.
            real = (labels_N != self.ignore).nonzero().squeeze(1)
            if len(real) == len(labels_N):
                hidden_ND = hidden_ND.contiguous()
            else:
                hidden_ND, labels_N = hidden_ND[real], labels_N[real]
            ignore = None
        if _is_factored(head):
            return _factored(head, hidden_ND, labels_N)
        sums = linear_cross_entropy(
            hidden_ND,
            head.weight_VD,
            head.bias_V,
            labels_N,
            label_smoothing=self.label_smoothing,
            z_loss=self.z_loss,
            ignore=ignore,
            class_weight_V=self.weights(),
        )
        terms = {"nll": sums.nll}
        if not torch.is_grad_enabled():
            terms["correct"] = sums.correct
        count = torch.tensor(len(labels_N)) if ignore is None else (labels_N != ignore).sum()
        return Loss(sums.total, count, terms)


def _is_factored(head: LinearHead | FactoredHead) -> TypeIs[FactoredHead]:
    return hasattr(head, "nll")


def _factored(head: FactoredHead, hidden_ND: Tensor, labels_N: Tensor) -> Loss:
    """A head that knows the likelihood without spelling every logit out."""
    real_N = labels_N != PAD
    nll_N = head.nll(hidden_ND, labels_N)
    total = (nll_N * real_N).sum()
    return Loss(total, real_N.sum(), {"nll": total.detach()})
