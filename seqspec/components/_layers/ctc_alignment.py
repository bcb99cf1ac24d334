"""Which state wrote which symbol, under connectionist temporal classification.

Graves et al. (2006), "Connectionist Temporal Classification", section 4.1.  The occupancy of an alignment
state is the derivative of the log-probability of the target by that state's emission, so one forward pass
and autograd give what the paper's forward-backward recursion gives.
"""

# B batch, S states, V vocabulary, U target time
# A places of an alignment (2 U + 1: symbols with blanks around them)

from __future__ import annotations

import torch
from torch import Tensor

from seqspec.schema.types import PAD

NEVER = -1e30
"""A log-probability of zero that keeps gradients finite."""


def occupancy(
    log_probs_BSV: Tensor, lengths_B: Tensor, target_BU: Tensor, target_lengths_B: Tensor
) -> Tensor:
    """``[B, U, S]``: the probability that a state stands on a target symbol.  Zero where no alignment
    fits.
    """
    with torch.enable_grad():
        emission_BSA = _emissions(log_probs_BSV, target_BU).detach().requires_grad_()
        total_B = log_likelihood(emission_BSA, lengths_B, target_BU, target_lengths_B)
        fits_B = total_B > NEVER / 2
        (gamma_BSA,) = torch.autograd.grad(total_B[fits_B].sum(), emission_BSA, allow_unused=False)
    return gamma_BSA[:, :, 1::2].transpose(1, 2)


def log_likelihood(
    emission_BSA: Tensor, lengths_B: Tensor, target_BU: Tensor, target_lengths_B: Tensor
) -> Tensor:
    """``[B]``: log-probability of each target over all alignments, from the emissions of its alignment
    places.
    """
    states, places = emission_BSA.shape[1:]
    never = emission_BSA.new_full((), NEVER)
    first_A = torch.arange(places, device=emission_BSA.device) < 2
    alpha_BA = torch.where(first_A, emission_BSA[:, 0], never)
    skip_BA = _may_skip(target_BU)
    for t in range(1, states):
        stay = alpha_BA
        step = torch.cat([never.expand(len(stay), 1), stay[:, :-1]], dim=1)
        jump = torch.cat([never.expand(len(stay), 2), stay[:, :-2]], dim=1)[:, :places]
        jump = torch.where(skip_BA, jump, never)
        moved = torch.logsumexp(torch.stack([stay, step, jump]), dim=0) + emission_BSA[:, t]
        alpha_BA = torch.where((t < lengths_B)[:, None], moved, alpha_BA)
    last_B = 2 * target_lengths_B
    ends = torch.stack([last_B, (last_B - 1).clamp_min(0)], dim=1)
    ended = alpha_BA.gather(1, ends)
    only_blank = torch.stack([ended[:, 0], never.expand(len(ended))], dim=1)
    return torch.logsumexp(torch.where((target_lengths_B == 0)[:, None], only_blank, ended), dim=1)


def _emissions(log_probs_BSV: Tensor, target_BU: Tensor) -> Tensor:
    """``[B, S, A]``: the log-probability of each alignment place at each state."""
    places_BA = torch.full((len(target_BU), 2 * target_BU.shape[1] + 1), PAD, device=target_BU.device)
    places_BA[:, 1::2] = target_BU
    return log_probs_BSV.gather(2, places_BA[:, None].expand(-1, log_probs_BSV.shape[1], -1))


def _may_skip(target_BU: Tensor) -> Tensor:
    """``[B, A]``: the blank before a symbol may be left out unless the symbol repeats the one before."""
    differs_BU = torch.ones_like(target_BU, dtype=torch.bool)
    differs_BU[:, 1:] = target_BU[:, 1:] != target_BU[:, :-1]
    differs_BU[:, :1] = False
    skip_BA = torch.zeros(
        len(target_BU), 2 * target_BU.shape[1] + 1, dtype=torch.bool, device=target_BU.device
    )
    skip_BA[:, 1::2] = differs_BU
    return skip_BA
