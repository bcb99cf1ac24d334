"""Noisy top-k gating."""

# B batch, T time, D width, E experts, K choices

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from seqspec.components._layers.routing import Routing, Scores, highest, load, normalizer, variation
from seqspec.schema.router.noisy_top_k import NoisyTopKConfig
from seqspec.schema.types import States


class NoisyTopK(nn.Module):
    """``[B, T, D]`` to ``k`` experts a position; without noise in evaluation."""

    def __init__(self, config: NoisyTopKConfig, source: States) -> None:
        super().__init__()
        assert config.num_experts is not None
        self.num_experts, self.k, self.floor = config.num_experts, config.k, config.noise_floor
        self.auxiliary = tuple(config.auxiliary())
        self.scores = Scores(source.dim, config.num_experts, zero=True)
        self.noise = Scores(source.dim, config.num_experts, zero=True)

    def forward(self, x_BTD: Tensor, real_BT: Tensor) -> Routing:
        clean_BTE = self.scores(x_BTD)
        noisy_BTE, std_BTE = clean_BTE, None
        if self.training:
            std_BTE = functional.softplus(self.noise(x_BTD)) + self.floor
            noisy_BTE = clean_BTE + torch.randn_like(clean_BTE) * std_BTE
        best_BTK = highest(noisy_BTE, self.k + 1)
        chosen_BTK = best_BTK[..., : self.k]
        weight_BTK = noisy_BTE.gather(-1, chosen_BTK).softmax(-1)
        asked_BTK = real_BT[..., None].expand_as(chosen_BTK)

        def smooth_load() -> Tensor:
            if std_BTE is None:
                return load(chosen_BTK, asked_BTK, self.num_experts).float()
            chance_BTE = chance_of_choice(clean_BTE, noisy_BTE, std_BTE, best_BTK)
            return (chance_BTE * real_BT[..., None]).sum(1)

        losses = {
            "importance": lambda: variation(summed(weight_BTK, chosen_BTK, asked_BTK, self.num_experts)),
            "load": lambda: variation(smooth_load()),
            "router_z": lambda: normalizer(clean_BTE, real_BT),
        }
        return Routing(
            chosen_BTK,
            weight_BTK,
            asked_BTK,
            asked_BTK,
            clean_BTE.softmax(-1),
            {name: losses[name]() for name in self.auxiliary},
        )


def chance_of_choice(clean_BTE: Tensor, noisy_BTE: Tensor, std_BTE: Tensor, best_BTK: Tensor) -> Tensor:
    """``[B, T, E]``: the chance that an expert is chosen if its own noise is drawn anew: the normal
    distribution at its clean score over what it has to beat, the k-th highest of the others' (appendix A).
    """
    top_BTK = noisy_BTE.gather(-1, best_BTK)
    is_in_BTE = torch.zeros_like(noisy_BTE, dtype=torch.bool).scatter_(-1, best_BTK[..., :-1], True)
    to_beat_BTE = torch.where(is_in_BTE, top_BTK[..., -1:], top_BTK[..., -2:-1])
    return torch.special.ndtr((clean_BTE - to_beat_BTE) / std_BTE)


def summed(weight_BTK: Tensor, chosen_BTK: Tensor, asked_BTK: Tensor, num_experts: int) -> Tensor:
    """``[B, E]``: the weights of each expert over a sequence."""
    spread_BTE = weight_BTK.new_zeros(*weight_BTK.shape[:2], num_experts)
    return spread_BTE.scatter(-1, chosen_BTK, weight_BTK * asked_BTK).sum(1)
