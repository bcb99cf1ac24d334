"""One vector an example, of the states that an encoder gives."""

# B batch, S states, D width

from __future__ import annotations

import torch
from torch import Tensor

from seqspec.components._layers.masks import length_mask


def pool(pooling: str | None, given: Tensor, lengths_B: Tensor | None) -> Tensor:
    """``[B, D]`` of states ``[B, S, D]``, or of vectors ``[B, D]`` where ``pooling`` is ``none``."""
    match pooling:
        case "mean":
            assert lengths_B is not None
            return pooled_mean(given, lengths_B)
        case "max":
            assert lengths_B is not None
            return pooled_max(given, lengths_B)
        case "first":
            return given[:, 0]
    return given


def pooled_mean(states_BSD: Tensor, lengths_B: Tensor) -> Tensor:
    """``[B, D]``: the mean of the states before each length; of none it is 0."""
    mask_BS1 = length_mask(lengths_B, states_BSD.shape[1])[:, :, None]
    return states_BSD.masked_fill(~mask_BS1, 0.0).sum(1) / lengths_B.clamp(min=1)[:, None]


def pooled_max(states_BSD: Tensor, lengths_B: Tensor) -> Tensor:
    """``[B, D]``: the largest value of each feature before each length; where there is none, the first
    state's.
    """
    mask_BS1 = length_mask(lengths_B.clamp(min=1), states_BSD.shape[1])[:, :, None]
    return states_BSD.masked_fill(~mask_BS1, -torch.inf).amax(1)
