"""The best continuations of each example's hypotheses, without sorting through the whole vocabulary.

The vocabulary is cut into strided blocks: block r holds the ids r, r + R, r + 2 R and so on, so that the
peaks of all blocks are a maximum over rows of ``R`` neighbours, which a processor takes many at a time.  The
best ``count`` candidates lie in the ``count`` blocks with the highest peaks, so only those are sorted; their
scores are worked out by the same operations in the same order as all would be.
"""

# A examples, K hypotheses of one, N = A times K, V vocabulary, R blocks, W ids of a block, P blocks that are
# looked into, C candidates

from __future__ import annotations

import torch
from torch import Tensor

from seqspec.components.search._hypothesis import Candidates

SMALL, FEW = 512, 24_000
"""Up to this many ids, or scores in all, sorting all of them costs less."""
WIDTH = 24
"""Ids of a block, about: more make the looking into blocks cost more, fewer the comparison of peaks."""
LANES = 32
"""Blocks are a multiple of it, so that no row of neighbours ends in the middle of a vector register."""


def best_candidates(log_probs_NV: Tensor, sums_AK: Tensor, *, count: int) -> Candidates:
    """Up to ``count`` candidates of an example; ``sums_AK`` are the hypotheses' log-probabilities so far."""
    size = log_probs_NV.shape[1]
    if size <= SMALL or log_probs_NV.numel() <= FEW:
        return _of_all(log_probs_NV, sums_AK, count=count)
    examples, beam = sums_AK.shape
    blocks = num_blocks(size)
    peaks_AR = _sums(_peaks(log_probs_NV, blocks), sums_AK)
    place_AP = peaks_AR.topk(min(count, peaks_AR.shape[1]), dim=1, sorted=False).indices
    beam_AP, block_AP = place_AP // blocks, place_AP % blocks
    row_AP = beam_AP + torch.arange(0, examples * beam, beam, device=sums_AK.device)[:, None]
    token_APW = block_AP[:, :, None] + torch.arange(0, size, blocks, device=sums_AK.device)
    beyond_APW, token_APW = token_APW >= size, token_APW.clamp(max=size - 1)
    inner_APW = log_probs_NV[row_AP[:, :, None], token_APW].masked_fill_(beyond_APW, -torch.inf)
    sums_AI = (sums_AK.gather(1, beam_AP)[:, :, None] + inner_APW).flatten(1)
    sums_AC, place_AC = sums_AI.topk(min(count, sums_AI.shape[1]), dim=1)
    parent_AC = beam_AP.gather(1, place_AC // token_APW.shape[2])
    return Candidates(sums_AC, parent_AC, token_APW.flatten(1).gather(1, place_AC))


def _peaks(log_probs_NV: Tensor, blocks: int) -> Tensor:
    whole = log_probs_NV.shape[1] // blocks * blocks
    peaks_NR = log_probs_NV[:, :whole].unflatten(1, (-1, blocks)).amax(1)
    rest = log_probs_NV.shape[1] - whole
    if rest:
        torch.maximum(peaks_NR[:, :rest], log_probs_NV[:, whole:], out=peaks_NR[:, :rest])
    return peaks_NR


def _of_all(log_probs_NV: Tensor, sums_AK: Tensor, *, count: int) -> Candidates:
    sums_AI, size = _sums(log_probs_NV, sums_AK), log_probs_NV.shape[1]
    sums_AC, place_AC = sums_AI.topk(min(count, sums_AI.shape[1]), dim=1)
    return Candidates(sums_AC, place_AC // size, place_AC % size)


def _sums(log_probs_NC: Tensor, sums_AK: Tensor) -> Tensor:
    """The hypotheses of an example side by side."""
    return (sums_AK.reshape(-1, 1) + log_probs_NC).view(len(sums_AK), -1)


def num_blocks(size: int) -> int:
    """Blocks of a vocabulary of ``size``."""
    return max(size // WIDTH // LANES, 1) * LANES
