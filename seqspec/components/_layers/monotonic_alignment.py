"""Monotonic alignment of frames and tokens: every token has at least one frame, none is passed over.

Kim et al. (2020), "Glow-TTS", arXiv:2005.11129, section 3.1 and algorithm 1, for the best path.
"""

# B batch, T frames, N tokens

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
from torch import Tensor


def best_durations(log_p_BTN: Tensor, frames_B: Tensor, tokens_B: Tensor) -> Tensor:
    """``[B, N]`` int64: frames of each token on the most probable path from (0, 0) to (T − 1, N − 1).

    Q[t, n] = log p[t, n] + max(Q[t − 1, n], Q[t − 1, n − 1]); of two equal ways the path stays at its token.
    Where there are fewer frames than tokens there is no path, and the first tokens have one frame each.
    """
    log_p = log_p_BTN.detach().float().cpu().numpy()
    batch, size, tokens = log_p.shape
    best = np.full((batch, tokens), -np.inf, np.float32)
    best[:, 0] = 0.0
    before = np.full((batch, 1), -np.inf, np.float32)
    moved = np.zeros((size, batch, tokens), bool)
    for t in range(size):
        step = np.concatenate([before, best[:, :-1]], axis=1)
        if t:
            moved[t] = step > best
            best = np.where(moved[t], step, best)
        best = best + log_p[:, t]
        if not t:
            best[:, 1:] = -np.inf
    durations = np.zeros((batch, tokens), np.int64)
    for row, (frames, held) in enumerate(zip(frames_B.tolist(), tokens_B.tolist(), strict=True)):
        _trace(moved[:, row], durations[row], frames, held)
    return torch.from_numpy(durations).to(log_p_BTN.device)


def _trace(moved_TN: np.ndarray, durations_N: np.ndarray, frames: int, tokens: int) -> None:
    n = min(tokens, frames) - 1
    for t in range(frames - 1, -1, -1):
        durations_N[n] += 1
        # As many frames are left as tokens: each must have one.
        if n and (moved_TN[t, n] or t == n):
            n -= 1


@lru_cache(maxsize=1024)
def beta_binomial(frames: int, tokens: int, width: float) -> Tensor:
    """``[T, N]``: for frame t the beta-binomial distribution over tokens 0 … N − 1 with α = width · t and
    β = width · (T + 1 − t), t from 1.  Each row sums to one.
    """
    t_T1 = torch.arange(1, frames + 1, dtype=torch.float64)[:, None]
    alpha, beta = width * t_T1, width * (frames + 1 - t_T1)
    k_N, n = torch.arange(tokens, dtype=torch.float64), float(tokens - 1)
    choose = torch.lgamma(torch.tensor(n + 1)) - torch.lgamma(k_N + 1) - torch.lgamma(n - k_N + 1)
    return (choose + _log_beta(k_N + alpha, n - k_N + beta) - _log_beta(alpha, beta)).exp().float()


def _log_beta(a: Tensor, b: Tensor) -> Tensor:
    return torch.lgamma(a) + torch.lgamma(b) - torch.lgamma(a + b)


def expanded(x_BND: Tensor, durations_BN: Tensor, size: int) -> Tensor:
    """``[B, size, D]``: each token's vector as often as its duration says, zeros after the last."""
    ends_BN = durations_BN.cumsum(1)
    places_T = torch.arange(size, device=x_BND.device)
    token_BT = _tokens_at(places_T.expand(x_BND.shape[0], size), ends_BN)
    real_BT1 = (places_T < ends_BN[:, -1:])[:, :, None]
    index = token_BT.clamp(max=x_BND.shape[1] - 1)[:, :, None].expand(-1, -1, x_BND.shape[2])
    return x_BND.gather(1, index) * real_BT1


def _tokens_at(places_BT: Tensor, ends_BN: Tensor) -> Tensor:
    if torch.compiler.is_exporting():  # The operators of ONNX have no search.
        return (ends_BN[:, None, :] <= places_BT[:, :, None]).sum(-1)
    return torch.searchsorted(ends_BN, places_BT.contiguous(), right=True)


def averaged(x_BT: Tensor, durations_BN: Tensor, *, counted_BT: Tensor | None = None) -> Tensor:
    """``[B, N]``: the mean over each token's frames, of those that ``counted_BT`` says; 0 where there are
    none.
    """
    weight_BT = torch.ones_like(x_BT) if counted_BT is None else counted_BT.to(x_BT.dtype)
    sums = [torch.nn.functional.pad((v * weight_BT).cumsum(1), (1, 0)) for v in (x_BT, torch.ones_like(x_BT))]
    ends_BN = durations_BN.cumsum(1).clamp(max=x_BT.shape[1])
    starts_BN = (ends_BN - durations_BN).clamp(min=0)
    total, count = (s.gather(1, ends_BN) - s.gather(1, starts_BN) for s in sums)
    return torch.where(count > 0.5, total / count.clamp(min=1), torch.zeros_like(total))
