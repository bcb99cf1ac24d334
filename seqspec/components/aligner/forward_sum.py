"""Learned alignment of text and speech, as FastPitch 1.1 has it.

Differs from the paper's public code: the prior runs over the tokens alone, so that it sums to one for every
frame, and both losses weigh frames alike, so that how batches are cut changes nothing.
"""

# B batch, T frames, N tokens, D width

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from seqspec.components._layers.masked_convolution import MaskedConvolution
from seqspec.components._layers.masks import length_mask
from seqspec.components._layers.monotonic_alignment import best_durations, beta_binomial
from seqspec.schema.aligner.forward_sum import ForwardSumConfig
from seqspec.schema.types import Frames


class Alignment(NamedTuple):
    """How frames lie on tokens."""

    durations_BN: Tensor
    """Frames of each token on the best path."""
    soft_BTN: Tensor
    """Probability of each token for each frame."""
    means: dict[str, Tensor]
    """The mean of each loss over the frames of the batch."""


class ForwardSum(nn.Module):
    """``aligner(tokens_BND, tokens_B, frames_BTD, frames_B)``."""

    def __init__(self, config: ForwardSumConfig, takes: Mapping[str, Frames]) -> None:
        super().__init__()
        width, bins = takes["tokens"].dim, takes["frames"].dim
        self.temperature, self.prior, self.blank = config.temperature, config.prior, config.blank
        self.key_in = MaskedConvolution(width, 2 * width, kernel=3)
        self.key_out = MaskedConvolution(2 * width, config.dim, kernel=1)
        self.query_in = MaskedConvolution(bins, 2 * bins, kernel=3)
        self.query_middle = MaskedConvolution(2 * bins, bins, kernel=1)
        self.query_out = MaskedConvolution(bins, config.dim, kernel=1)

    def forward(
        self, tokens_BND: Tensor, tokens_B: Tensor, frames_BTD: Tensor, frames_B: Tensor
    ) -> Alignment:
        """No token may be without a frame, so each recording has as many frames as tokens, or more."""
        real_BN = length_mask(tokens_B, tokens_BND.shape[1])
        real_BT = length_mask(frames_B, frames_BTD.shape[1])
        log_p_BTN = self._scores(tokens_BND, real_BN, frames_BTD, real_BT)
        if self.prior:
            prior = _priors(frames_B, tokens_B, self.prior, log_p_BTN)
            masked = log_p_BTN.masked_fill(~real_BN[:, None], -torch.inf)
            log_p_BTN = masked.log_softmax(-1).masked_fill(~real_BN[:, None], 0.0) + (prior + 1e-8).log()
        soft_BTN = log_p_BTN.masked_fill(~real_BN[:, None], -torch.inf).softmax(-1)
        log_soft_BTN = soft_BTN.clamp_min(1e-12).log()
        durations_BN = best_durations(log_soft_BTN, frames_B, tokens_B)
        means = {
            "forward_sum": self._forward_sum(log_p_BTN, real_BN, frames_B, tokens_B) / frames_B.sum(),
            "binarization": _binarization(log_soft_BTN, durations_BN, real_BT) / frames_B.sum(),
        }
        return Alignment(durations_BN, soft_BTN, means)

    def _scores(self, tokens_BND: Tensor, real_BN: Tensor, frames_BTD: Tensor, real_BT: Tensor) -> Tensor:
        """``[B, T, N]``: minus the squared distance, times the temperature."""
        mask = real_BN[:, :, None]
        key = self.key_out(torch.relu(self.key_in(tokens_BND, mask)), mask)
        mask = real_BT[:, :, None]
        query = torch.relu(self.query_in(frames_BTD, mask))
        query = self.query_out(torch.relu(self.query_middle(query, mask)), mask)
        distance = (
            query.square().sum(-1)[:, :, None]
            + key.square().sum(-1)[:, None]
            - 2 * query @ key.transpose(1, 2)
        )
        return -self.temperature * distance

    def _forward_sum(self, log_p_BTN: Tensor, real_BN: Tensor, frames_B: Tensor, tokens_B: Tensor) -> Tensor:
        """Section 2.1: CTC over the tokens in their order; the sum over T of each example's loss over N."""
        scores = functional.pad(log_p_BTN, (1, 0), value=self.blank)
        hidden = functional.pad(~real_BN, (1, 0))[:, None]
        log_probs = scores.masked_fill(hidden, -1e4).float().log_softmax(-1).transpose(0, 1)
        target = torch.arange(1, log_p_BTN.shape[2] + 1, device=log_p_BTN.device).expand(len(log_p_BTN), -1)
        here = log_probs.device
        if log_probs.is_cuda and torch.are_deterministic_algorithms_enabled():
            here = torch.device("cpu")  # CUDA's kernel adds gradients in no fixed order and is refused
        each_B = functional.ctc_loss(
            log_probs.to(here), target.to(here), frames_B.to(here), tokens_B.to(here),
            blank=0, reduction="none", zero_infinity=True,
        ).to(log_p_BTN.device)  # fmt: skip
        return (each_B / tokens_B.clamp(min=1) * frames_B).sum()


def _priors(frames_B: Tensor, tokens_B: Tensor, width: float, like_BTN: Tensor) -> Tensor:
    prior = torch.zeros(like_BTN.shape)
    for row, (frames, tokens) in enumerate(zip(frames_B.tolist(), tokens_B.tolist(), strict=True)):
        if frames and tokens:
            prior[row, :frames, :tokens] = beta_binomial(frames, tokens, width)
    return prior.to(like_BTN.device)


def _binarization(log_soft_BTN: Tensor, durations_BN: Tensor, real_BT: Tensor) -> Tensor:
    """Equation 9: minus the log-probability of the token that the best path gives each frame."""
    ends_BN = durations_BN.cumsum(1)
    places = torch.arange(log_soft_BTN.shape[1], device=ends_BN.device).expand(len(ends_BN), -1).contiguous()
    token_BT = torch.searchsorted(ends_BN, places, right=True).clamp(max=ends_BN.shape[1] - 1)
    chosen_BT = log_soft_BTN.gather(2, token_BT[:, :, None]).squeeze(2)
    return -chosen_BT.masked_fill(~real_BT, 0.0).sum()
