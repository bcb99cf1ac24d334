"""What a text says of the latent vectors of its recording: Kim, Kong and Son (2021), "Conditional Variational
Autoencoder with Adversarial Learning for End-to-End Text-to-Speech", arXiv:2106.06103, section 2.2.

A Gaussian a token; an alignment gives each latent vector its token's.
"""

# B batch, N tokens, T frames, D width, C channels of noise

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from seqspec.components._layers.monotonic_alignment import best_durations, expanded
from seqspec.schema.diagnostic import DataError
from seqspec.schema.types import PAD


class TextPrior(NamedTuple):
    """Of each token, blanks among them, its state and the Gaussian of its frames."""

    states_BND: Tensor
    mean_BND: Tensor
    log_std_BND: Tensor
    mask_BN1: Tensor
    lengths_B: Tensor

    def path_durations(self, z_BTD: Tensor, frames_B: Tensor) -> Tensor:
        """``[B, N]``: frames of each token on the path under which the prior makes the recording most
        probable (section 2.2.1).
        """
        precision_BND = (-2 * self.log_std_BND).exp()
        constant_BN = (-0.5 * math.log(2 * math.pi) - self.log_std_BND).sum(2)
        square_BN = (-0.5 * self.mean_BND.square() * precision_BND).sum(2)
        log_p_BTN = (
            -0.5 * z_BTD.square() @ precision_BND.transpose(1, 2)
            + z_BTD @ (self.mean_BND * precision_BND).transpose(1, 2)
            + (constant_BN + square_BN)[:, None]
        )
        return best_durations(log_p_BTN, frames_B, self.lengths_B)

    def divergence(
        self, z_BTD: Tensor, *, log_std_BTD: Tensor, mask_BT1: Tensor, durations_BN: Tensor
    ) -> Tensor:
        """Kullback-Leibler divergence of the posterior that ``z_BTD`` was drawn from, summed over features
        and frames (equation 4).
        """
        mean_BTD, prior_BTD = self.expanded(durations_BN, z_BTD.shape[1])
        off_BTD = (z_BTD - mean_BTD).square() * (-2 * prior_BTD).exp()
        each_BTD = prior_BTD - log_std_BTD - 0.5 + 0.5 * off_BTD
        return (each_BTD * mask_BT1).sum()

    def expanded(self, durations_BN: Tensor, size: int) -> tuple[Tensor, Tensor]:
        """``[B, T, D]`` twice: mean and logarithm of the standard deviation of each frame."""
        return expanded(self.mean_BND, durations_BN, size), expanded(self.log_std_BND, durations_BN, size)


def whole_durations(log_BN: Tensor, mask_BN: Tensor, *, scale: float, most: int) -> Tensor:
    """``[B, N]`` frames of each real token, rounded up; a reading has one frame at least."""
    real_BN = log_BN.clamp(max=math.log(most)).exp() * scale
    durations_BN = real_BN.ceil().clamp(max=most).long() * mask_BN
    durations_BN[:, 0] += durations_BN.sum(1) == 0
    return durations_BN


def with_blanks(ids_BN: Tensor) -> Tensor:
    """``[B, 2 N + 1]``: a blank before, between and behind the tokens."""
    spread = torch.full((ids_BN.shape[0], 2 * ids_BN.shape[1] + 1), PAD, device=ids_BN.device)
    spread[:, 1::2] = ids_BN
    return spread


def require_frames(
    rows: Sequence[int], tokens: Sequence[int], frames: Sequence[int], *, blanks: bool
) -> None:
    """An alignment gives every token a frame at least.  Raises ``DataError`` naming the first example whose
    text has more tokens than its recording has frames.
    """
    for row, has, given in zip(rows, tokens, frames, strict=True):
        if has > given:
            counted = f"{has:,} tokens with the blanks between them" if blanks else f"{has:,} tokens"
            raise DataError(
                f"example {row} has {counted}, and its recording {given:,} frames",
                help="every token needs a frame: leave such examples out with `filter`, or choose a smaller"
                + (" hop, or `blanks: none`" if blanks else " hop"),
            )
