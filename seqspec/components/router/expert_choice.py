"""Expert choice: experts take positions."""

# B batch, T time, D width, E experts, which are also the choices of a position

from __future__ import annotations

import torch
from torch import Tensor, nn

from seqspec.components._layers.routing import Routing, Scores, capacity, normalizer
from seqspec.schema.router.expert_choice import ExpertChoiceConfig
from seqspec.schema.types import States


class ExpertChoice(nn.Module):
    """``[B, T, D]``: every expert takes equally many positions of a sequence, in evaluation too."""

    def __init__(self, config: ExpertChoiceConfig, source: States) -> None:
        super().__init__()
        assert config.num_experts is not None
        self.num_experts, self.capacity = config.num_experts, config.capacity
        self.auxiliary = tuple(config.auxiliary())
        self.scores = Scores(source.dim, config.num_experts)

    def forward(self, x_BTD: Tensor, real_BT: Tensor) -> Routing:
        scores_BTE = self.scores(x_BTD)
        probability_BTE = scores_BTE.softmax(-1)
        limit_B = capacity(real_BT.sum(1), factor=self.capacity, choices=1, num_experts=self.num_experts)
        wanted_BTE = probability_BTE.detach().masked_fill(~real_BT[..., None], -1.0)
        order_BTE = wanted_BTE.argsort(dim=1, descending=True, stable=True)
        place_T1 = torch.arange(order_BTE.shape[1], device=order_BTE.device)[:, None]
        rank_BTE = torch.empty_like(order_BTE).scatter_(1, order_BTE, place_T1.expand_as(order_BTE))
        taken_BTE = (rank_BTE < limit_B[:, None, None]) & real_BT[..., None]
        chosen_BTE = torch.arange(self.num_experts, device=x_BTD.device).expand_as(order_BTE)
        losses = {"router_z": lambda: normalizer(scores_BTE, real_BT)}
        return Routing(
            chosen_BTE,
            probability_BTE,
            taken_BTE,
            taken_BTE,
            probability_BTE,
            {name: losses[name]() for name in self.auxiliary},
        )
