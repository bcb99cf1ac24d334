"""Every source against every target of the batch: the right one has to be the nearest."""

# B batch, N negatives, C candidates (B plus N), D width

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from seqspec.components.loss._loss import Loss
from seqspec.schema.loss.contrastive import ContrastiveConfig
from seqspec.schema.types import Pairs


class Contrastive(nn.Module):
    """``criterion(source, target, negatives)``."""

    whole_batch = True
    """What an example adds depends on the others, so that micro-batches have to be joined first."""

    def __init__(self, config: ContrastiveConfig, source: Pairs) -> None:
        super().__init__()
        self.cosine = config.similarity == "cosine"
        self.scale, self.symmetric = config.scale, config.symmetric
        self.widths = (*config.matryoshka, source.dim)

    def forward(self, source_BD: Tensor, target_BD: Tensor, negatives_ND: Tensor) -> Loss:
        """``correct`` counts sources whose own target is the nearest at full width."""
        candidates_CD = torch.cat([target_BD, negatives_ND])
        each = [self._compared(source_BD, target_BD, candidates_CD, width) for width in self.widths]
        total = torch.stack([one for one, _ in each]).mean(0)
        count = torch.tensor(len(source_BD), device=source_BD.device)
        return Loss(total, count, {"correct": each[-1][1]})

    def _compared(
        self, source_BD: Tensor, target_BD: Tensor, candidates_CD: Tensor, width: int
    ) -> tuple[Tensor, Tensor]:
        """Sum of the losses, and how many sources find their target."""
        right_B = torch.arange(len(source_BD), device=source_BD.device)
        scores_BC = self._similar(source_BD[:, :width], candidates_CD[:, :width])
        total = functional.cross_entropy(scores_BC, right_B, reduction="sum")
        if self.symmetric:
            back_BB = scores_BC[:, : len(target_BD)].T
            total = (total + functional.cross_entropy(back_BB, right_B, reduction="sum")) / 2
        return total, (scores_BC.detach().argmax(1) == right_B).sum()

    def _similar(self, x_BD: Tensor, y_CD: Tensor) -> Tensor:
        """``[B, C]``: scaled similarities in float32."""
        x_BD, y_CD = x_BD.float(), y_CD.float()
        if self.cosine:
            x_BD, y_CD = functional.normalize(x_BD, dim=-1), functional.normalize(y_CD, dim=-1)
        # In half precision similarities would have two digits, and scaled gradients overflow.
        with torch.autocast(x_BD.device.type, enabled=False):
            return self.scale * (x_BD @ y_CD.T)
