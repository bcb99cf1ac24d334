"""Cross entropy, fused with the head's linear layer so that the logits never exist whole."""

# B batch, U target time, D width, V vocabulary

from __future__ import annotations

from torch import Tensor, nn

from seqspec.components._layers.linear_cross_entropy import linear_cross_entropy
from seqspec.components.loss._loss import Loss
from seqspec.schema.loss.cross_entropy import CrossEntropyConfig
from seqspec.schema.types import PAD, Logits


class CrossEntropy(nn.Module):
    """``criterion(hidden, labels, head)``; labels that are 0 count nothing."""

    def __init__(self, config: CrossEntropyConfig, source: Logits) -> None:
        super().__init__()
        self.label_smoothing = config.label_smoothing
        self.z_loss = config.z_loss

    def forward(self, hidden_BUD: Tensor, labels_BU: Tensor, head: nn.Module) -> Loss:
        """``head`` has ``weight_VD`` and ``bias_V``.  Without smoothing in evaluation, ``total`` equals
        ``nll``.
        """
        hidden_ND, labels_N = hidden_BUD.flatten(0, -2), labels_BU.flatten()
        if hidden_ND.device.type == "cpu":
            # Elsewhere choosing rows would make the host wait for the device.
            real = (labels_N != PAD).nonzero().squeeze(1)
            hidden_ND, labels_N = hidden_ND[real], labels_N[real]
        sums = linear_cross_entropy(
            hidden_ND,
            head.weight_VD,
            head.bias_V,
            labels_N,  # type: ignore[arg-type]
            label_smoothing=self.label_smoothing,
            z_loss=self.z_loss,
            ignore=PAD,
        )
        terms = {"nll": sums.nll}
        if not self.training:
            terms["correct"] = sums.correct
        return Loss(sums.total, (labels_N != PAD).sum(), terms)
