"""Universal Transformer encoder: one layer of self-attention over the whole input, again and again."""

# B batch, T time, D width

from __future__ import annotations

from torch import Tensor, nn

from seqspec.components._layers.dropout import Dropout
from seqspec.components._layers.init import linear
from seqspec.components._layers.masks import attention_mask, length_mask
from seqspec.components._layers.transformer_layer import Context, TransformerLayer, make_norm
from seqspec.components._layers.universal import Recurrence
from seqspec.schema.encoder.universal_transformer import UniversalTransformerConfig
from seqspec.schema.types import Frames


class UniversalTransformer(nn.Module):
    """With adaptive halting, ``auxiliary`` is handed ``halting``: the cost of thinking, a mean over
    positions.
    """

    def __init__(self, config: UniversalTransformerConfig, source: Frames) -> None:
        super().__init__()
        assert config.input_dropout is not None
        self.project = linear(source.dim, config.dim) if source.dim != config.dim else None
        self.dropout = Dropout(config.input_dropout)
        self.layer = TransformerLayer(config, dim=config.dim, causal=False)
        self.recurrence = Recurrence(config, dim=config.dim)
        self.norm = make_norm(config, config.dim) if config.norm == "pre" and config.final_norm else None
        self.auxiliary = tuple(config.auxiliary())

    def forward(
        self, x_BTD: Tensor, lengths_B: Tensor, *, auxiliary: dict[str, Tensor] | None = None
    ) -> tuple[Tensor, Tensor]:
        """Gives ``[B, T, D]`` and the lengths as they were; what is beyond a length changes nothing before
        it.
        """
        if self.project is not None:
            x_BTD = self.project(x_BTD)
        context = Context(mask=attention_mask(lengths_B, x_BTD.shape[1]))

        def apply(x: Tensor, number: int) -> Tensor:
            after: Tensor = self.layer(x, context)
            return after

        real_BT = length_mask(lengths_B, x_BTD.shape[1])
        x_BTD, cost = self.recurrence(self.dropout(x_BTD), apply, start=0, real=real_BT)
        if auxiliary is not None and cost is not None:
            auxiliary["halting"] = cost
        return (x_BTD if self.norm is None else self.norm(x_BTD)), lengths_B
