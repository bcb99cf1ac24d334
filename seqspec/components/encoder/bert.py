"""BERT's encoder, on the Transformer's layers; what follows the first end of a sentence is of the second
type, so that pairs need no field of their own.
"""

# B batch, T time, D width, K types

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from seqspec.components._layers.dropout import Dropout
from seqspec.components._layers.init import linear
from seqspec.components._layers.input_limits import InputTooLong
from seqspec.components._layers.masks import attention_mask
from seqspec.components._layers.transformer_layer import Context, TransformerLayer, make_norm
from seqspec.schema.encoder.bert import BertConfig
from seqspec.schema.types import EOS, Tokens

_STD = 0.02
"""Of positions and types at first, section A.2 of the paper's code."""


class Bert(nn.Module):
    """Ids ``[B, T]`` to states ``[B, T, D]``, or to one vector an example where there is a pooler."""

    stacked = ("layers",)

    def __init__(self, config: BertConfig, source: Tokens, parts: Any) -> None:
        super().__init__()
        assert config.dim is not None
        assert config.num_layers is not None
        stack, dim = config.stack(), config.dim
        self.embedding = parts("embedding")
        self.max_positions, self.num_types = config.max_positions or 0, config.num_types or 1
        self.positions_TD = nn.Parameter(nn.init.normal_(torch.empty(self.max_positions, dim), std=_STD))
        self.types_KD = nn.Parameter(nn.init.normal_(torch.empty(self.num_types, dim), std=_STD))
        self.norm = make_norm(stack, dim)
        self.dropout = Dropout(config.dropout)
        self.layers = nn.ModuleList(
            TransformerLayer(stack, dim=dim, causal=False) for _ in range(config.num_layers)
        )
        self.pooler = linear(dim, dim) if config.pooler else None

    def forward(self, ids_BT: Tensor, lengths_B: Tensor) -> tuple[Tensor, Tensor | None]:
        """States and lengths as they were, or ``[B, D]`` and no lengths.  Raises ``InputTooLong``."""
        size = ids_BT.shape[1]
        if size > self.max_positions:
            raise InputTooLong(size, self.max_positions)
        ends_BT = (ids_BT == EOS).long()
        types_BT = (ends_BT.cumsum(1) - ends_BT).clamp(max=self.num_types - 1)
        x_BTD = self.embedding(ids_BT) + self.positions_TD[:size] + self.types_KD[types_BT]
        x_BTD = self.dropout(self.norm(x_BTD))
        context = Context(mask=attention_mask(lengths_B, size))
        for layer in self.layers[:-1]:
            x_BTD = layer(x_BTD, context)
        if self.pooler is None:
            return self.layers[-1](x_BTD, context), lengths_B
        x_BTD = self.layers[-1](x_BTD, context, ids_BT.new_zeros(len(ids_BT), 1))
        return self.dropout(torch.tanh(self.pooler(x_BTD[:, 0]))), None
