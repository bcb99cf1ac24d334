"""Ids that no search may write."""

from __future__ import annotations

import torch
from torch import Tensor

from seqspec.schema.types import BOS, PAD


def forbid(logits_NV: Tensor) -> Tensor:
    """``logits_NV``, changed in place, where padding and the begin cannot win."""
    logits_NV[:, PAD] = -torch.inf
    logits_NV[:, BOS] = -torch.inf
    return logits_NV
