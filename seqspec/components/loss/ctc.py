"""Connectionist temporal classification, by torch's own recursion."""

# B batch, S states, V vocabulary, U target time

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from seqspec.components.loss._loss import Loss
from seqspec.schema.loss.ctc import CtcConfig
from seqspec.schema.types import PAD, Logits


class Ctc(nn.Module):
    """``criterion(logits, lengths, target, target_lengths)``."""

    def __init__(self, config: CtcConfig, source: Logits) -> None:
        super().__init__()
        self.skip = config.too_short == "skip"
        self.left_out = {"too_short": "sources have too few states for their target"} if self.skip else {}
        """Terms that count examples which the loss leaves out, and why it does."""

    def forward(
        self, logits_BSV: Tensor, lengths_B: Tensor, target_BU: Tensor, target_lengths_B: Tensor
    ) -> Loss:
        """``count`` is the number of target symbols that have an alignment; ``too_short`` counts sources
        without room for their target.
        """
        log_probs_SBV = logits_BSV.float().log_softmax(-1).transpose(0, 1)
        here = log_probs_SBV.device
        if log_probs_SBV.is_cuda and torch.are_deterministic_algorithms_enabled():
            # CUDA's kernel adds gradients in no fixed order and is refused; the CPU's repeats to the bit.
            here = torch.device("cpu")
        total = functional.ctc_loss(
            log_probs_SBV.to(here),
            target_BU.to(here),
            lengths_B.to(here),
            target_lengths_B.to(here),
            blank=PAD,
            reduction="sum",
            zero_infinity=self.skip,
        )
        total = total.to(logits_BSV.device)
        short = needed_states(target_BU, target_lengths_B) > lengths_B
        terms = {"ctc": total.detach(), "too_short": short.sum()}
        counted_B = target_lengths_B * ~short if self.skip else target_lengths_B
        return Loss(total, counted_B.sum(), terms)


def needed_states(target_BU: Tensor, target_lengths_B: Tensor) -> Tensor:
    """``[B]``: the least states that can write each target; a repeated symbol needs a blank before it."""
    repeats_BU = (target_BU[:, 1:] == target_BU[:, :-1]) & (target_BU[:, 1:] != PAD)
    return target_lengths_B + repeats_BU.sum(1)
