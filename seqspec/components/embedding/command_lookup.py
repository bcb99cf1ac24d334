"""One learned vector a token id, and one for each command with which a target may begin."""

# B batch, T time, D width, V vocabulary, R commands

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from seqspec.schema.embedding.command_lookup import CommandLookupConfig
from seqspec.schema.types import Tokens


class CommandLookup(nn.Module):
    """A table ``weight_VD`` that a head may share; ids from ``V`` on are commands."""

    def __init__(self, config: CommandLookupConfig, source: Tokens) -> None:
        super().__init__()
        assert config.dim is not None
        assert isinstance(source.vocab, int)
        self.dim, self.vocab = config.dim, source.vocab
        self.scale = config.dim**0.5 if config.scale else 1.0
        std = config.dim**-0.5
        self.weight_VD = nn.Parameter(nn.init.normal_(torch.empty(source.vocab, config.dim), std=std))
        self.commands_RD = nn.Parameter(nn.init.normal_(torch.empty(config.commands, config.dim)))
        self.size = std * self.scale
        """Standard deviation of what is read, at first."""

    def command_id(self, row: int) -> int:
        """The id that stands for a command."""
        return self.vocab + row

    def forward(self, ids_BT: Tensor) -> Tensor:
        words = functional.embedding(ids_BT.clamp(max=self.vocab - 1), self.weight_VD) * self.scale
        row_BT = (ids_BT - self.vocab).clamp(min=0)
        commands = functional.embedding(row_BT, self.commands_RD)
        return torch.where((ids_BT >= self.vocab)[..., None], commands, words)
