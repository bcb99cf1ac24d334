"""T5's encoder, on the Transformer's layers."""

# B batch, T time, D width

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from seqspec.components._layers.dropout import Dropout
from seqspec.components._layers.masks import attention_mask
from seqspec.components._layers.transformer_layer import Context, Entrance, TransformerLayer, make_norm
from seqspec.schema.encoder.t5 import T5Config
from seqspec.schema.types import Tokens


class T5(nn.Module):
    """Ids ``[B, T]`` to states ``[B, T, D]``."""

    stacked = ("layers",)

    def __init__(self, config: T5Config, source: Tokens, parts: Any) -> None:
        super().__init__()
        assert config.dim is not None
        assert config.num_layers is not None
        stack = config.stack()
        self.embedding = parts("embedding")
        self.entrance = Entrance(stack, dim=config.dim, causal=False)
        self.layers = nn.ModuleList(
            TransformerLayer(stack, dim=config.dim, causal=False) for _ in range(config.num_layers)
        )
        self.norm = make_norm(stack, config.dim)
        self.dropout = Dropout(config.dropout)

    def forward(self, ids_BT: Tensor, lengths_B: Tensor) -> tuple[Tensor, Tensor]:
        """States and the lengths as they were."""
        size = ids_BT.shape[1]
        visible = attention_mask(lengths_B, size)
        mask = self.entrance.biased(visible, queries=size, keys=size, causal=False, device=ids_BT.device)
        context = Context(mask=mask)
        x_BTD = self.entrance(self.embedding(ids_BT))
        for layer in self.layers:
            x_BTD = layer(x_BTD, context)
        return self.dropout(self.norm(x_BTD)), lengths_B
