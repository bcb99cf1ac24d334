"""Routing that is balanced by a bias and by integers."""

# B batch, T time, D width, E experts, K choices

from __future__ import annotations

import torch
from torch import Tensor, nn

from seqspec.components._layers.routing import Routing, Scores, evenness, highest, load, normalizer
from seqspec.schema.router.bias_balanced import BiasBalancedConfig
from seqspec.schema.types import States


class BiasBalanced(nn.Module):
    """``[B, T, D]`` to ``k`` experts a position.  The bias chooses and never weighs.

    Loads are counted over a whole optimiser step and all processes; being integers, they are the same however
    it is cut.
    """

    bias_E: Tensor

    def __init__(self, config: BiasBalancedConfig, source: States) -> None:
        super().__init__()
        assert config.num_experts is not None
        self.num_experts, self.k, self.scale = config.num_experts, config.k, config.scale
        self.rate, self.until_step = config.bias_rate, config.until_step
        self.auxiliary = tuple(config.auxiliary())
        self.scores = Scores(source.dim, config.num_experts)
        self.register_buffer("bias_E", torch.zeros(config.num_experts))

    def forward(self, x_BTD: Tensor, real_BT: Tensor) -> Routing:
        scores_BTE = self.scores(x_BTD)
        gate_BTE = scores_BTE.sigmoid()
        chosen_BTK = highest(gate_BTE.detach() + self.bias_E, self.k)
        asked_BTK = real_BT[..., None].expand_as(chosen_BTK)
        top_BTK = gate_BTE.gather(-1, chosen_BTK)
        probability_BTE = gate_BTE / gate_BTE.sum(-1, keepdim=True)
        losses = {
            "balance": lambda: evenness(
                load(chosen_BTK, asked_BTK, self.num_experts), probability_BTE, real_BT
            ),
            "router_z": lambda: normalizer(scores_BTE, real_BT),
        }
        return Routing(
            chosen_BTK,
            self.scale * top_BTK / top_BTK.sum(-1, keepdim=True),
            asked_BTK,
            asked_BTK,
            probability_BTE,
            {name: losses[name]() for name in self.auxiliary},
        )

    @torch.no_grad()
    def rebalance(self, load_E: Tensor, *, step: int) -> None:
        """After an optimiser step, from 1, in which each expert was asked for so many times."""
        if self.until_step == 0 or step <= self.until_step:
            # Compared as integers: the mean load need not be one.
            self.bias_E += self.rate * (load_E.sum() - self.num_experts * load_E).sign()
