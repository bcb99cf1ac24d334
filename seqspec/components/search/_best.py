"""The best continuations of each example's hypotheses, without sorting through the whole vocabulary.

The vocabulary is cut into blocks.  The best ``count`` candidates lie in the ``count`` blocks with the highest
peaks, so only those are sorted; their scores are worked out by the same operations in the same order as all
would be.
"""

# A examples, K hypotheses of one, N = A times K, V vocabulary, R blocks, W ids of a block, P blocks that are
# looked into, C candidates

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

SMALL = 512
"""Up to this many ids sorting all of them costs less."""
WIDEST = 128
"""Ids of a block, at most."""


class Candidates(NamedTuple):
    """Continuations of each example, best first."""

    sums_AC: Tensor
    """Log-probabilities; minus infinity where there is none."""
    parent_AC: Tensor
    """The hypothesis that is continued."""
    token_AC: Tensor


def best_candidates(logits_NV: Tensor, normaliser_N1: Tensor, sums_AK: Tensor, *, count: int) -> Candidates:
    """Up to ``count`` candidates of an example; ``sums_AK`` are the hypotheses' log-probabilities so far."""
    size = logits_NV.shape[1]
    if size <= SMALL:
        return _of_all(logits_NV, normaliser_N1, sums_AK, count=count)
    width = block_width(size)
    if size % width:
        logits_NV = functional.pad(logits_NV, (0, -size % width), value=-torch.inf)
    blocks_NRW = logits_NV.unflatten(1, (-1, width))
    peaks_AR = _sums(blocks_NRW.amax(2), normaliser_N1, sums_AK)
    place_AP = peaks_AR.topk(min(count, peaks_AR.shape[1]), dim=1, sorted=False).indices
    beam_AP, block_AP = place_AP // blocks_NRW.shape[1], place_AP % blocks_NRW.shape[1]
    row_AP = beam_AP + torch.arange(len(sums_AK), device=sums_AK.device)[:, None] * sums_AK.shape[1]
    inner_APW = blocks_NRW[row_AP, block_AP]
    sums_APW = sums_AK.gather(1, beam_AP)[:, :, None] + inner_APW - normaliser_N1[row_AP]
    sums_AC, place_AC = sums_APW.flatten(1).topk(min(count, sums_APW[0].numel()), dim=1)
    chosen_AC = place_AC // width
    token_AC = block_AP.gather(1, chosen_AC) * width + place_AC % width
    # What has no probability may stand in the padding of the last block.
    return Candidates(sums_AC, beam_AP.gather(1, chosen_AC), token_AC.clamp(max=size - 1))


def _of_all(logits_NV: Tensor, normaliser_N1: Tensor, sums_AK: Tensor, *, count: int) -> Candidates:
    each = min(count, logits_NV.shape[1])
    best_NC, token_NC = logits_NV.topk(each, dim=1)
    sums_AC = _sums(best_NC, normaliser_N1, sums_AK)
    sums_AC, place_AC = sums_AC.topk(min(count, sums_AC.shape[1]), dim=1)
    return Candidates(sums_AC, place_AC // each, token_NC.view(len(sums_AK), -1).gather(1, place_AC))


def _sums(logits_NC: Tensor, normaliser_N1: Tensor, sums_AK: Tensor) -> Tensor:
    """The hypotheses of an example side by side."""
    return (sums_AK.reshape(-1, 1) + logits_NC - normaliser_N1).view(len(sums_AK), -1)


@cache
def block_width(size: int) -> int:
    """The largest divisor of ``size`` that makes a fair block; where there is none, a block that needs
    padding.
    """
    return next((width for width in range(WIDEST, 31, -1) if size % width == 0), 64)
