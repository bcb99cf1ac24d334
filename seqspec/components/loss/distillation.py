"""Distillation of distributions."""

# B batch, U target time, S states, N rows (targets), D width, V vocabulary

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from seqspec.components._layers.masks import length_mask
from seqspec.components.loss._loss import Loss, real_rows
from seqspec.components.loss.cross_entropy import NO_CLASS
from seqspec.schema.loss.distillation import DistillationConfig
from seqspec.schema.types import PAD, Logits

if TYPE_CHECKING:
    from seqspec.components.outputs import Aligned, Scored


class Distillation(nn.Module):
    """``criterion(*output, teacher=output)``; the teacher's output is of the same batch.

    The divergence, not the cross entropy: 0 where both agree.
    """

    def __init__(self, config: DistillationConfig, source: Logits) -> None:
        super().__init__()
        self.temperature = config.temperature
        self.ignore = PAD if source.stride else NO_CLASS
        self.aligned = source.blank

    def forward(self, *given: Any, teacher: Any) -> Loss:
        return (
            self._frames(*given, teacher=teacher) if self.aligned else self._targets(*given, teacher=teacher)
        )

    def _targets(self, hidden_BUD: Tensor, labels_BU: Tensor, head: nn.Module, *, teacher: Scored) -> Loss:
        """Rows of padding are left out before the heads, whose products are most of the work."""
        ours_NV = head(real_rows(hidden_BUD, labels_BU, ignore=self.ignore))
        with torch.no_grad():
            theirs_NV = teacher.head(real_rows(teacher.hidden, teacher.labels, ignore=self.ignore))
        divergence_N = self._divergence(ours_NV, theirs_NV)
        return _loss(divergence_N.sum(), (labels_BU != self.ignore).sum())

    def _frames(self, logits_BSV: Tensor, lengths_B: Tensor, *_: Tensor, teacher: Aligned) -> Loss:
        divergence_BS = self._divergence(logits_BSV, teacher.logits)
        real_BS = length_mask(lengths_B, logits_BSV.shape[1])
        mean_B = (divergence_BS * real_BS).sum(1) / lengths_B.clamp(min=1)
        return _loss(mean_B.sum(), torch.tensor(len(mean_B), device=mean_B.device))

    def _divergence(self, ours: Tensor, theirs: Tensor) -> Tensor:
        """Over the last dimension, times the squared temperature."""
        ours_log = (ours.float() / self.temperature).log_softmax(-1)
        theirs_log = (theirs.float() / self.temperature).log_softmax(-1)
        divergence = (theirs_log.exp() * (theirs_log - ours_log)).sum(-1)
        return self.temperature**2 * divergence


def _loss(total: Tensor, count: Tensor) -> Loss:
    return Loss(total, count, {})
