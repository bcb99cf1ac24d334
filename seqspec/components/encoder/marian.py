"""The encoder of Marian, Pegasus and NLLB, on the Transformer's layers."""

# B batch, T time, D width

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from seqspec.components._layers.masks import attention_mask
from seqspec.components._layers.position_table import PositionTable
from seqspec.components._layers.transformer_layer import Context, TransformerLayer, make_norm
from seqspec.schema.encoder.marian import MarianConfig
from seqspec.schema.types import Tokens


class Marian(PositionTable):
    """Ids ``[B, T]`` to states ``[B, T, D]``."""

    stacked = ("layers",)

    def __init__(self, config: MarianConfig, source: Tokens, parts: Any) -> None:
        super().__init__(config)
        assert config.dim is not None
        assert config.num_layers is not None
        stack = config.stack()
        self.embedding = parts("embedding")
        self.layers = nn.ModuleList(
            TransformerLayer(stack, dim=config.dim, causal=False) for _ in range(config.num_layers)
        )
        self.norm = make_norm(stack, config.dim) if config.norm == "pre" else None

    def forward(self, ids_BT: Tensor, lengths_B: Tensor) -> tuple[Tensor, Tensor]:
        """States and the lengths as they were.  Raises ``InputTooLong``."""
        x_BTD = self.placed(self.embedding(ids_BT))
        context = Context(mask=attention_mask(lengths_B, ids_BT.shape[1]))
        for layer in self.layers:
            x_BTD = layer(x_BTD, context)
        return (x_BTD if self.norm is None else self.norm(x_BTD)), lengths_B
