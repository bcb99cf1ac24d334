"""What routers share: choosing with ties broken by index, capacity, losses of balance over single sequences.

A sequence is a group of its own in all of it, so nothing depends on what else is in the batch.
"""

# B batch, T time, K choices of a position, E experts, D width, M choices of a row, or pairs that are kept

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional


class Routing(NamedTuple):
    """Where the positions of a batch go."""

    chosen_BTK: Tensor
    """Experts by number, int64."""
    weight_BTK: Tensor
    """What each expert's output is multiplied by, float32."""
    kept_BTK: Tensor
    """False where an expert was full, where a choice was not made, and at padding."""
    asked_BTK: Tensor
    """False where a choice was not made, and at padding; what is asked and not kept was dropped."""
    probability_BTE: Tensor
    """The distribution over experts of each position."""
    losses: dict[str, Tensor]
    """``[B]`` each: what a sequence gives by itself."""


class Scores(nn.Module):
    """A linear layer over experts that is worked out in float32 whatever the rest is in: bfloat16 loses the
    differences (Fedus et al. 2022, section 2.4).
    """

    def __init__(self, dim: int, num_experts: int, *, zero: bool = False) -> None:
        super().__init__()
        self.weight_ED = nn.Parameter(torch.zeros(num_experts, dim))
        if not zero:
            nn.init.xavier_uniform_(self.weight_ED)

    def forward(self, x_BTD: Tensor) -> Tensor:
        with torch.autocast(x_BTD.device.type, enabled=False):
            return functional.linear(x_BTD.float(), self.weight_ED.float())


def highest(scores_BTE: Tensor, count: int) -> Tensor:
    """``[B, T, count]``: the experts with the highest scores; of equal ones the first (``topk`` leaves that
    open).
    """
    return scores_BTE.sort(dim=-1, descending=True, stable=True).indices[..., :count]


def capacity(lengths_B: Tensor, *, factor: float, choices: float, num_experts: int) -> Tensor:
    """``[B]``: what an expert takes of each sequence, at least 1 where there is anything."""
    share_B = lengths_B.double() * choices * factor / num_experts
    return (share_B - 1e-9).ceil().long().clamp(min=1)


def within(
    chosen_BTK: Tensor, asked_BTK: Tensor, limit_B: Tensor, *, num_experts: int, by_choice: bool
) -> Tensor:
    """``asked_BTK`` without what comes when an expert is full.

    ``by_choice``: all first choices go before all second ones; else every choice of a position goes before
    those of later positions, so that nothing depends on what comes after.  Counts are integers.
    """
    B, T, K = chosen_BTK.shape
    order = (0, 2, 1) if by_choice else (0, 1, 2)
    chosen_BM = chosen_BTK.permute(order).reshape(B, T * K)
    asked_BM = asked_BTK.permute(order).reshape(B, T * K)
    rank_BM = _rank(torch.where(asked_BM, chosen_BM, num_experts), num_experts + 1)
    kept_BM = asked_BM & (rank_BM < limit_B[:, None])
    return kept_BM.reshape(B, K, T).transpose(1, 2) if by_choice else kept_BM.reshape(B, T, K)


def _rank(key_BM: Tensor, num_keys: int) -> Tensor:
    """How many of the same key stand before each, in its row."""
    order_BM = key_BM.argsort(dim=1, stable=True)
    count_BE = torch.zeros(len(key_BM), num_keys, dtype=torch.int64, device=key_BM.device)
    count_BE.scatter_add_(1, key_BM, torch.ones_like(key_BM))
    start_BE = count_BE.cumsum(1) - count_BE
    place_BM = torch.arange(key_BM.shape[1], device=key_BM.device).expand_as(key_BM)
    sorted_BM = place_BM - start_BE.gather(1, key_BM.gather(1, order_BM))
    return torch.empty_like(key_BM).scatter_(1, order_BM, sorted_BM)


def load(chosen_BTK: Tensor, asked_BTK: Tensor, num_experts: int) -> Tensor:
    """``[B, E]``, integers: positions of each sequence that ask for an expert."""
    flat_BM = torch.where(asked_BTK, chosen_BTK, num_experts).flatten(1)
    count_BE = torch.zeros(len(flat_BM), num_experts + 1, dtype=torch.int64, device=flat_BM.device)
    return count_BE.scatter_add_(1, flat_BM, torch.ones_like(flat_BM))[:, :num_experts]


def evenness(load_BE: Tensor, probability_BTE: Tensor, real_BT: Tensor) -> Tensor:
    """``[B]``: E times the sum over experts of the share that asks for one and its mean probability; 1 where
    either is even (Fedus et al. 2022, equation 4).
    """
    share_BE = load_BE / load_BE.sum(1, keepdim=True).clamp(min=1)
    mean_BE = mean_over(probability_BTE, real_BT)
    return load_BE.shape[1] * (share_BE * mean_BE).sum(1)


def variation(amount_BE: Tensor) -> Tensor:
    """``[B]``: the squared coefficient of variation over experts, variance over mean squared."""
    mean_B = amount_BE.mean(1)
    return amount_BE.var(1, correction=0) / (mean_B**2 + 1e-10)


def normalizer(scores_BTE: Tensor, real_BT: Tensor) -> Tensor:
    """``[B]``: the mean over positions of the squared log-normaliser (Zoph et al. 2022, equation 5)."""
    return mean_over(scores_BTE.logsumexp(-1, keepdim=True) ** 2, real_BT)[:, 0]


def mean_over(x_BTE: Tensor, real_BT: Tensor) -> Tensor:
    """``[B, E]``: the mean over the real positions of each sequence; 0 where there is none."""
    count_B = real_BT.sum(1).clamp(min=1)
    return (x_BTE * real_BT[..., None]).sum(1) / count_B[:, None]
