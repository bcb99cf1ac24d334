"""One score a vocabulary entry or class, linear in the hidden state."""

# D width, V vocabulary or classes

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from seqspec.components._layers.linear import affine
from seqspec.schema.head.linear import LinearConfig
from seqspec.schema.types import States, Type, Vector


class Linear(nn.Module):
    """``weight_VD`` and ``bias_V`` are read by losses that never make the logits whole."""

    def __init__(self, config: LinearConfig, takes: Mapping[str, Type]) -> None:
        super().__init__()
        hidden, size = takes["hidden"], config.output(takes).vocab
        assert isinstance(hidden, States | Vector)
        assert isinstance(size, int)
        self.weight_VD = nn.Parameter(nn.init.xavier_uniform_(torch.empty(size, hidden.dim)))
        self.bias_V = nn.Parameter(torch.zeros(size)) if config.bias else None

    def forward(self, hidden: Tensor) -> Tensor:
        """Hidden states ``[..., D]`` to logits ``[..., V]``."""
        return affine(hidden, self.weight_VD, self.bias_V)

    def tie(self, weight_VD: nn.Parameter) -> None:
        """Use an embedding's table as the weight."""
        self.weight_VD = weight_VD
