"""Small weights as a term of the objective."""

# B batch

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from seqspec.components.loss._loss import Loss
from seqspec.schema.loss.l2 import L2Config
from seqspec.schema.types import Type


class L2(nn.Module):
    """``criterion(parameters, index_B)``: ½ Σ w² for each example."""

    def __init__(self, config: L2Config, source: Type) -> None:
        super().__init__()

    def forward(self, parameters: Iterable[Tensor], index_B: Tensor) -> Loss:
        """Weights of rank 2 and more, in float32 whatever the precision of the pass."""
        with torch.autocast(index_B.device.type, enabled=False):
            squares = [w.float().square().sum() for w in parameters if w.ndim > 1 and w.requires_grad]
            total = 0.5 * torch.stack(squares).sum() if squares else torch.zeros((), device=index_B.device)
        count = torch.tensor(len(index_B), device=index_B.device)
        return Loss(total * count, count, {})
