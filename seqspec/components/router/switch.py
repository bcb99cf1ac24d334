"""Switch routing: the most probable expert."""

# B batch, T time, D width, E experts

from __future__ import annotations

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
from seqspec.schema.router.switch import SwitchConfig
from seqspec.schema.types import States


class Switch(nn.Module):
    """``[B, T, D]`` to one expert a position."""

    def __init__(self, config: SwitchConfig, source: States) -> None:
        super().__init__()
        assert config.num_experts is not None
        self.num_experts, self.capacity = config.num_experts, config.capacity
        self.auxiliary = tuple(config.auxiliary())
        self.scores = Scores(source.dim, config.num_experts)

    def forward(self, x_BTD: Tensor, real_BT: Tensor) -> Routing:
        scores_BTE = self.scores(x_BTD)
        probability_BTE = scores_BTE.softmax(-1)
        chosen_BTK = highest(scores_BTE, 1)
        asked_BTK = kept_BTK = real_BT[..., None]
        if self.training and self.capacity is not None:
            limit_B = capacity(real_BT.sum(1), factor=self.capacity, choices=1, num_experts=self.num_experts)
            kept_BTK = within(chosen_BTK, asked_BTK, limit_B, num_experts=self.num_experts, by_choice=False)
        losses = {
            "balance": lambda: evenness(
                load(chosen_BTK, asked_BTK, self.num_experts), probability_BTE, real_BT
            ),
            "router_z": lambda: normalizer(scores_BTE, real_BT),
        }
        return Routing(
            chosen_BTK,
            probability_BTE.gather(-1, chosen_BTK),
            kept_BTK,
            asked_BTK,
            probability_BTE,
            {name: losses[name]() for name in self.auxiliary},
        )
