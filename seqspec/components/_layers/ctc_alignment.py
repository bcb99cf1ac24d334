"""Which state wrote which symbol, under connectionist temporal classification.

Graves et al. (2006), "Connectionist Temporal Classification", section 4.1.  The occupancy of an alignment
state is the derivative of the log-probability of the target by that state's emission, so one forward pass
and autograd give what the paper's forward-backward recursion gives.
"""

# B batch, S states, V vocabulary, U target time
# A places of an alignment (2 U + 1: symbols with blanks around them)

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from torch import Tensor

from seqspec.schema.types import PAD

if TYPE_CHECKING:
    from numpy.typing import NDArray

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


class SymbolStates(NamedTuple):
    """Where one symbol stands on the best alignment."""

    first: int
    """The first state that writes it."""
    end: int
    """The state after the last one."""
    log_prob: float
    """The mean of its states' log-probabilities."""


def best_alignment(log_probs_SV: Tensor, target_U: Tensor) -> list[SymbolStates] | None:
    """The states of each symbol on the most probable alignment (Viterbi 1967); ``None`` where none fits."""
    emission_SA = _emissions(log_probs_SV[None].float().cpu(), target_U[None].cpu())[0].double().numpy()
    skip_A = _may_skip(target_U[None].cpu())[0].numpy()
    states, places = emission_SA.shape
    if not states:
        return None if len(target_U) else []
    score_A = np.full(places, -np.inf)
    score_A[:2] = emission_SA[0, :2]
    back_SA = np.zeros((states, places), np.int64)
    for state in range(1, states):
        step_A = np.concatenate([[-np.inf], score_A[:-1]])
        jump_A = np.where(skip_A, np.concatenate([[-np.inf, -np.inf], score_A[:-2]])[:places], -np.inf)
        moves = np.stack([score_A, step_A, jump_A])
        back_SA[state] = moves.argmax(0)
        score_A = moves.max(0) + emission_SA[state]
    place = places - 1 if places == 1 or score_A[-1] >= score_A[-2] else places - 2
    if not np.isfinite(score_A[place]):
        return None
    return _symbols(_path(back_SA, place), emission_SA, len(target_U))


def _path(back_SA: NDArray[np.int64], place: int) -> list[int]:
    """The place of each state, from where the alignment ends."""
    path = [place]
    for moved_A in back_SA[:0:-1]:
        path.append(path[-1] - int(moved_A[path[-1]]))
    return path[::-1]


def _symbols(path: list[int], emission_SA: NDArray[np.float64], count: int) -> list[SymbolStates]:
    found = []
    for symbol in range(count):
        held = [state for state, place in enumerate(path) if place == 2 * symbol + 1]
        mean = float(emission_SA[held, 2 * symbol + 1].mean())
        found.append(SymbolStates(held[0], held[-1] + 1, mean))
    return found
