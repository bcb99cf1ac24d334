"""One learned vector a token id; N(0, 1/sqrt(dim)) at first and scaled by sqrt(dim) when read."""

# B batch, T time, D width, V vocabulary

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from seqspec.schema.embedding.lookup import LookupConfig
from seqspec.schema.types import Tokens


class Lookup(nn.Module):
    """A table ``weight_VD`` that a head may share."""

    def __init__(self, config: LookupConfig, source: Tokens) -> None:
        super().__init__()
        assert config.dim is not None
        assert isinstance(source.vocab, int)
        self.dim = config.dim
        self.scale = config.dim**0.5 if config.scale else 1.0
        rows = -(-source.vocab // config.rows_multiple_of) * config.rows_multiple_of
        std = config.std or config.dim**-0.5
        self.weight_VD = nn.Parameter(nn.init.normal_(torch.empty(rows, config.dim), std=std))
        self.size = std * self.scale
        """Standard deviation of what is read, at first."""

    def forward(self, ids_BT: Tensor) -> Tensor:
        x_BTD = functional.embedding(ids_BT, self.weight_VD)
        return x_BTD if self.scale == 1 else x_BTD * self.scale
