"""GShard's top-2 routing."""

# B batch, T time, D width, E experts, K two choices

from __future__ import annotations

import torch
from torch import Tensor, nn

from seqspec.components._layers.routing import (
    Routing,
    Scores,
    capacity,
    evenness,
    highest,
    load,
    normalizer,
    within,
)
from seqspec.schema.router.top_two import TopTwoConfig
from seqspec.schema.types import States


class TopTwo(nn.Module):
    """``[B, T, D]`` to two experts a position."""

    def __init__(self, config: TopTwoConfig, source: States) -> None:
        super().__init__()
        assert config.num_experts is not None
        self.num_experts, self.capacity = config.num_experts, config.capacity
        self.random = config.second == "random"
        self.causal = source.causal
        self.auxiliary = tuple(config.auxiliary())
        self.scores = Scores(source.dim, config.num_experts)

    def forward(self, x_BTD: Tensor, real_BT: Tensor) -> Routing:
        scores_BTE = self.scores(x_BTD)
        probability_BTE = scores_BTE.softmax(-1)
        chosen_BTK = highest(scores_BTE, 2)
        top_BTK = probability_BTE.gather(-1, chosen_BTK)
        weight_BTK = top_BTK / (top_BTK.sum(-1, keepdim=True) + 1e-9)
        asked_BTK = self._asked(weight_BTK, real_BT)
        losses = {
            "balance": lambda: evenness(
                load(chosen_BTK[..., :1], real_BT[..., None], self.num_experts), probability_BTE, real_BT
            ),
            "router_z": lambda: normalizer(scores_BTE, real_BT),
        }
        return Routing(
            chosen_BTK,
            weight_BTK,
            self._kept(chosen_BTK, asked_BTK, real_BT),
            asked_BTK,
            probability_BTE,
            {name: losses[name]() for name in self.auxiliary},
        )

    def _asked(self, weight_BTK: Tensor, real_BT: Tensor) -> Tensor:
        asked_BTK = real_BT[..., None].expand_as(weight_BTK)
        if not (self.training and self.random):
            return asked_BTK
        second_BT = weight_BTK[..., 1]
        drawn_BT = torch.rand_like(second_BT) < 2 * second_BT
        return asked_BTK & torch.stack([torch.ones_like(drawn_BT), drawn_BT], dim=-1)

    def _kept(self, chosen_BTK: Tensor, asked_BTK: Tensor, real_BT: Tensor) -> Tensor:
        if not self.training or self.capacity is None:
            return asked_BTK
        limit_B = capacity(real_BT.sum(1), factor=self.capacity, choices=2, num_experts=self.num_experts)
        return within(chosen_BTK, asked_BTK, limit_B, num_experts=self.num_experts, by_choice=not self.causal)
