"""What a search makes of a step's logits, in the memory that holds them."""

from __future__ import annotations

import torch
from torch import Tensor

from seqspec.schema.types import BOS, PAD


def forbid(logits_NV: Tensor) -> Tensor:
    """``logits_NV``, changed in place, where padding and the begin cannot win."""
    logits_NV[:, PAD] = -torch.inf
    logits_NV[:, BOS] = -torch.inf
    return logits_NV


def log_softmax_(logits_NV: Tensor) -> Tensor:
    """On a CPU in place of ``logits_NV``: memory that a product has just written is cheap to write again."""
    return torch.log_softmax(logits_NV, 1, out=logits_NV if logits_NV.device.type == "cpu" else None)
