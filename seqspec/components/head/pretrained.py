"""The classifier of a folder: linear, with an offset a class."""

# D width, V classes

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from seqspec.components._layers.linear import affine
from seqspec.schema.head.pretrained import PretrainedConfig
from seqspec.schema.types import Type


class Pretrained(nn.Module):
    """``weight_VD`` and ``bias_V`` are read by losses that never make the logits whole."""

    def __init__(self, config: PretrainedConfig, takes: Mapping[str, Type]) -> None:
        super().__init__()
        hidden: Any = takes["hidden"]
        size = int(config.size(takes))
        self.weight_VD = nn.Parameter(nn.init.xavier_uniform_(torch.empty(size, hidden.dim)))
        self.bias_V = nn.Parameter(torch.zeros(size))

    def forward(self, hidden: Tensor) -> Tensor:
        """Hidden states ``[..., D]`` to logits ``[..., V]``."""
        return affine(hidden, self.weight_VD, self.bias_V)
