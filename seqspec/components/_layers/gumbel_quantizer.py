"""Product quantisation with a straight-through choice: Jang et al. (2017), "Categorical Reparameterization
with Gumbel-Softmax", arXiv:1611.01144; in groups as in wav2vec 2.0, arXiv:2006.11477, section 2, equation 1.
"""

# B batch, T states, C channels, G groups, V codes of a group, Q width

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn


class Quantized(NamedTuple):
    """The codes of each state."""

    vectors_BTQ: Tensor
    probability_BTGV: Tensor
    """How likely each code was; in evaluation 1 for the one that was chosen."""
    code_BT: Tensor
    """One number for the choice of all groups."""


class GumbelQuantizer(nn.Module):
    """A code of each of ``groups`` tables of ``codes``, side by side: ``dim`` features in all."""

    def __init__(self, channels: int, *, groups: int, codes: int, dim: int) -> None:
        super().__init__()
        self.groups, self.codes = groups, codes
        self.scores = nn.Linear(channels, groups * codes)
        nn.init.normal_(self.scores.weight, std=1.0)
        nn.init.zeros_(self.scores.bias)
        self.vectors_GVQ = nn.Parameter(torch.empty(groups, codes, dim // groups).uniform_())

    def forward(self, x_BTC: Tensor, noise_BTGV: Tensor | None, *, temperature: float) -> Quantized:
        """With Gumbel noise the choice is drawn, and the gradient is that of the softmax; without it, the
        likeliest code stands.
        """
        logits_BTGV = self.scores(x_BTC).float().unflatten(-1, (self.groups, self.codes))
        noisy_BTGV = logits_BTGV if noise_BTGV is None else logits_BTGV + noise_BTGV
        index_BTG = noisy_BTGV.argmax(-1)
        hard_BTGV = torch.nn.functional.one_hot(index_BTG, self.codes).to(logits_BTGV.dtype)
        chosen_BTGV, probability_BTGV = hard_BTGV, hard_BTGV
        if noise_BTGV is not None:
            soft_BTGV = (noisy_BTGV / temperature).softmax(-1)
            chosen_BTGV = hard_BTGV + (soft_BTGV - soft_BTGV.detach())
            probability_BTGV = logits_BTGV.softmax(-1)
        vectors_BTGQ = torch.einsum("btgv,gvq->btgq", chosen_BTGV, self.vectors_GVQ.float())
        base_G = self.codes ** torch.arange(self.groups, device=x_BTC.device)
        return Quantized(vectors_BTGQ.flatten(2), probability_BTGV, (index_BTG * base_G).sum(-1))
