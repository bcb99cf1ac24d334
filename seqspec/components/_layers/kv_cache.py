"""What self-attention keeps of the positions before, for one layer and every hypothesis of a search:
``past_TPNHE``, keys and values side by side, or one row longer, a free place for the next step.
"""

# T time, P keys and values, N hypotheses (B times the beam), H heads, E width of a head

from __future__ import annotations

import torch
from torch import Tensor


def append(past_TPNHE: Tensor, new_PNHE: Tensor, *, filled: int) -> Tensor:
    """``filled + 1`` rows; a free place is written into, so a past is to be appended to once."""
    if past_TPNHE.shape[0] == filled:
        return torch.cat([past_TPNHE, new_PNHE[None]])
    past_TPNHE.select(0, filled).copy_(new_PNHE)
    return past_TPNHE


def select(past_TPNHE: Tensor, rows_N: Tensor, *, filled: int) -> Tensor:
    """Copies the hypotheses into memory with room for one more step, so that a step need not copy again."""
    if torch.is_grad_enabled():
        return past_TPNHE[:filled].index_select(2, rows_N)
    roomy = past_TPNHE.new_empty(filled + 1, 2, len(rows_N), *past_TPNHE.shape[3:])
    torch.index_select(past_TPNHE[:filled], 2, rows_N, out=roomy[:filled])
    return roomy
