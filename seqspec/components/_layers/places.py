"""Some places of a sequence instead of all: where only they are read after a stack, its last layer need not
work out the others, which give it keys and values alone.
"""

# B batch, T time, K places, D width

from __future__ import annotations

import torch
from torch import Tensor


def places_of(wanted_BT: Tensor) -> Tensor:
    """``[B, K]``: where each row is True, in order, K of the row with the most and at least 1; rows with
    fewer go on with places that are not wanted.
    """
    most = max(1, int(wanted_BT.sum(1).max()))
    return wanted_BT.to(torch.uint8).argsort(dim=1, descending=True, stable=True)[:, :most]


def at_places(x_BTD: Tensor, places_BK: Tensor) -> Tensor:
    """``[B, K, D]``."""
    return x_BTD.gather(1, places_BK[..., None].expand(-1, -1, x_BTD.shape[-1]))


def mask_at(mask: Tensor | None, places_BK: Tensor, *, size: int) -> Tensor:
    """``[B, 1, K, T]``: the rows of ``mask``, which broadcasts to ``[B, 1, T, T]``, or of causality where
    there is none.
    """
    if mask is None:
        return (torch.arange(size, device=places_BK.device) <= places_BK[..., None])[:, None]
    rows_BTT = mask.expand(len(places_BK), 1, size, size)[:, 0]
    return at_places(rows_BTT, places_BK)[:, None]
