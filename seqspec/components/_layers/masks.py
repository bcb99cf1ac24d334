"""Masks from lengths.  True marks a real token."""

# B batch, T time, U target time

from __future__ import annotations

import torch
from torch import Tensor


def length_mask(lengths_B: Tensor, size: int) -> Tensor:
    """``[B, size]``, True before each length."""
    return torch.arange(size, device=lengths_B.device) < lengths_B[:, None]


def clear_padding(x: Tensor, mask_BT: Tensor) -> Tensor:
    """Zero beyond each length, in place.  On a CPU only the padding is touched; elsewhere that would need a
    copy of lengths.
    """
    if x.device.type != "cpu":
        return x.masked_fill_(~broadcast_mask(mask_BT, x), 0)
    for row, length in zip(x, mask_BT.sum(1).tolist(), strict=True):
        row[length:] = 0
    return x


def broadcast_mask(mask_BT: Tensor, x: Tensor) -> Tensor:
    """A mask of steps with as many dimensions as ``x``."""
    return mask_BT.reshape(*mask_BT.shape, *[1] * (x.dim() - 2))


def attention_mask(lengths_B: Tensor, size: int) -> Tensor:
    """``[B, 1, 1, size]`` for ``scaled_dot_product_attention``; the first key stays open so that an empty row
    gives numbers.
    """
    return length_mask(lengths_B.clamp(min=1), size)[:, None, None, :]


def document_mask(segments_BU: Tensor) -> Tensor:
    """``[B, 1, U, U]``: causal, within one document; a position of padding sees itself."""
    size = segments_BU.shape[1]
    same = segments_BU[:, :, None] == segments_BU[:, None, :]
    causal = torch.ones(size, size, dtype=torch.bool, device=segments_BU.device).tril()
    return (same & causal)[:, None]


def with_ends(target_BU: Tensor, lengths_B: Tensor, *, begin: int, end: int) -> tuple[Tensor, Tensor]:
    """Inputs ``[B, U + 1]`` that start with ``begin`` and labels ``[B, U + 1]`` that stop with ``end``; 0
    pads both.
    """
    inputs = torch.nn.functional.pad(target_BU, (1, 0), value=begin)
    labels = torch.nn.functional.pad(target_BU, (0, 1))
    return inputs, labels.scatter(1, lengths_B[:, None], end)
