"""Every code of a quantiser is to be used equally often."""

# B batch, G groups, V codes

from __future__ import annotations

import torch
from torch import Tensor, nn

from seqspec.components.loss._loss import Loss
from seqspec.schema.loss.code_diversity import CodeDiversityConfig
from seqspec.schema.types import Type


class CodeDiversity(nn.Module):
    """``criterion(probability, states)``."""

    whole_batch = True
    """The mean choice is that of all examples, so that micro-batches have to be joined first."""

    def __init__(self, config: CodeDiversityConfig, source: Type) -> None:
        super().__init__()

    def forward(self, probability_BGV: Tensor, states_B: Tensor) -> Loss:
        """``[B, G, V]`` sums and ``[B]`` counts to the unused share, times the number of examples."""
        mean_GV = probability_BGV.float().sum(0) / states_B.sum().clamp(min=1)
        perplexity = (-(mean_GV * (mean_GV + 1e-7).log()).sum(-1)).exp().sum()
        count = torch.tensor(len(states_B), device=states_B.device)
        return Loss((1 - perplexity / mean_GV.numel()) * count, count, {})
