"""Distillation of hidden states."""

# B batch, U target time, N rows (targets), D width

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor, nn
from torch.nn import functional

from seqspec.components._layers.init import linear
from seqspec.components.loss._loss import Loss, real_rows
from seqspec.components.loss.cross_entropy import NO_CLASS
from seqspec.schema.loss.state_distillation import StateDistillationConfig
from seqspec.schema.types import PAD, Logits

if TYPE_CHECKING:
    from seqspec.components.outputs import Scored


class StateDistillation(nn.Module):
    """``criterion(*output, teacher=output)``."""

    def __init__(self, config: StateDistillationConfig, source: Logits) -> None:
        super().__init__()
        self.cosine = config.distance == "cosine"
        self.ignore = PAD if source.stride else NO_CLASS
        self.map = None
        assert config.dim is not None
        if config.teacher_dim is not None:
            self.map = linear(config.dim, config.teacher_dim, bias=False)

    def forward(self, hidden_BUD: Tensor, labels_BU: Tensor, head: nn.Module, *, teacher: Scored) -> Loss:
        ours_ND = real_rows(hidden_BUD, labels_BU, ignore=self.ignore)
        theirs_ND = real_rows(teacher.hidden, teacher.labels, ignore=self.ignore).float()
        ours_ND = (ours_ND if self.map is None else self.map(ours_ND)).float()
        if self.cosine:
            distance_N = 1 - functional.cosine_similarity(ours_ND, theirs_ND, dim=-1)
        else:
            distance_N = (ours_ND - theirs_ND).square().mean(-1)
        return Loss(distance_N.sum(), (labels_BU != self.ignore).sum(), {})
