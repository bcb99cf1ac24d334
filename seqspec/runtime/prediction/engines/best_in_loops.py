"""The best candidates of one example, in a form that a compiler writes as plain loops.

torch's own ``topk`` would be called, and where code calls anything it keeps no tensor on the stack, which of
a small model costs more than the search for the best.  So places are found by counting how many are better:
of a few peaks first, then of what lies below the highest of them.
"""

# N hypotheses, V vocabulary, R blocks of a hypothesis, W ids of a block, G groups of them, P blocks that are
# looked into, Q groups that are, C candidates, M numbers of any kind

from __future__ import annotations

import math

import torch
from torch import Tensor

from seqspec.components.search._best import best_candidates
from seqspec.components.search._hypothesis import Candidates

LANES = 16
"""Numbers that a processor takes at once."""
FEW = 256
"""Peaks of which each is compared with all; more cost more than a call of ``topk``."""


def best_in_loops(log_probs_NV: Tensor, sums_N: Tensor, *, count: int) -> Candidates:
    """As ``best_candidates`` of one example.  Candidates that are equal may come in another order."""
    beam, size = log_probs_NV.shape
    blocks = min(LANES, size)
    if beam * blocks > FEW:
        return best_candidates(log_probs_NV, sums_N[None], count=count)
    count = min(count, beam * size)
    sums_NV = _kept(sums_N[:, None] + log_probs_NV)
    place_P = _highest(_peaks(sums_NV, blocks).flatten(), count)
    beam_P, block_P = place_P // blocks, place_P % blocks
    token_WP = torch.arange(0, size, blocks)[:, None] + block_P
    inner_WP = sums_NV[beam_P, token_WP.clamp(max=size - 1)].where(token_WP < size, -torch.inf)
    width = math.isqrt(len(inner_WP) - 1) + 1
    groups = -(-len(inner_WP) // width)
    inner_WP = torch.nn.functional.pad(inner_WP, (0, 0, 0, groups * width - len(inner_WP)), value=-torch.inf)
    inner_GWP = _kept(inner_WP).view(groups, width, -1)
    place_Q = _highest(_kept(inner_GWP.amax(1)).flatten(), count)
    group_Q, place_Q = place_Q // len(place_P), place_Q % len(place_P)
    last_WQ = _kept(inner_GWP[group_Q, torch.arange(width)[:, None], place_Q])
    found_C = _highest(last_WQ.flatten(), count)
    width_C, found_Q = found_C // len(place_Q), found_C % len(place_Q)
    place_C = place_Q[found_Q]
    token_C = (group_Q[found_Q] * width + width_C) * blocks + block_P[place_C]
    candidates = (last_WQ[width_C, found_Q], beam_P[place_C], token_C.clamp(max=size - 1))
    return Candidates(*(part_C[None] for part_C in candidates))


def _peaks(sums_NV: Tensor, blocks: int) -> Tensor:
    """``[N, R]``: block r holds the ids r, r + R, r + 2 R and so on."""
    whole = sums_NV.shape[1] // blocks * blocks
    peaks_NR = sums_NV[:, :whole].unflatten(1, (-1, blocks)).amax(1)
    rest_NR = torch.nn.functional.pad(
        sums_NV[:, whole:], (0, blocks - (sums_NV.shape[1] - whole)), value=-torch.inf
    )
    return _kept(torch.maximum(peaks_NR, rest_NR))


def _highest(x_M: Tensor, count: int) -> Tensor:
    """Places of the highest, in descending order, equal ones as they stand: each stands behind as many as
    are before it.
    """
    at_M = torch.arange(len(x_M), dtype=x_M.dtype)
    is_equal_MM, is_higher_MM = x_M[:, None] == x_M, x_M[:, None] > x_M
    before_MM = is_higher_MM | (is_equal_MM & (at_M[:, None] < at_M))
    rank_M = torch.where(before_MM, 1.0, 0.0).sum(0)
    is_at_CM = torch.arange(min(count, len(x_M)), dtype=x_M.dtype)[:, None] == rank_M
    place_C = torch.where(is_at_CM, at_M, 0.0).sum(1)
    return place_C.clamp(max=len(x_M) - 1).long()  # What is no number has no place.


def _kept(x: Tensor) -> Tensor:
    """The same, worked out once and not wherever it is read."""
    from torch._inductor.inductor_prims import force_stride_order  # loads the compiler

    kept: Tensor = force_stride_order(x, x.stride())
    return kept
