"""A stack of LSTM or GRU layers over the source."""

# B batch, T time, I input width, D output width

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from seqspec.components._layers.dropout import Dropout
from seqspec.components._layers.init import linear
from seqspec.components._layers.lstm import CellState
from seqspec.components._layers.masks import length_mask
from seqspec.components._layers.recurrent import recurrent
from seqspec.schema.encoder.recurrent import RecurrentConfig
from seqspec.schema.types import Frames


class Recurrent(nn.Module):
    """Each direction of a layer reads both directions of the layer below."""

    def __init__(self, config: RecurrentConfig, source: Frames) -> None:
        super().__init__()
        wide = config.output_dim * (2 if config.bidirectional else 1)
        widths = [source.dim] + [wide] * (config.num_layers - 1)
        self.layers = nn.ModuleList(
            recurrent(
                config.cell,
                width,
                config.dim,
                bidirectional=config.bidirectional,
                projected_dim=config.projected_dim,
                forget_bias=config.forget_bias,
                init_range=config.init_range,
            )
            for width in widths
        )
        self.residual_from = config.residual_from or config.num_layers + 1
        self.dropout = Dropout(config.dropout)
        self.output_dropout = Dropout(config.output_dropout)
        self.project = linear(wide, config.project) if config.project is not None else None

    def forward(self, x_BTI: Tensor, lengths_B: Tensor) -> tuple[Tensor, Tensor]:
        """Gives ``[B, T, D]`` and the lengths as they were."""
        for number, layer in enumerate(self.layers, start=1):
            y_BTD = layer(self.dropout(x_BTI), lengths_B)
            x_BTI = x_BTI + y_BTD if number >= self.residual_from else y_BTD
        x_BTI = self.output_dropout(x_BTI)
        if self.project is not None:
            x_BTI = self.project(x_BTI) * length_mask(lengths_B, x_BTI.shape[1])[..., None]
        return x_BTI, lengths_B

    def advance(
        self, x_BTI: Tensor, state: tuple[CellState, ...] | None, *, last: bool
    ) -> tuple[Tensor, tuple[CellState, ...]]:
        """More steps of a stream that is read in one direction: their states, and the cells after them."""
        layers: Any = self.layers
        before = state or tuple(layer.start(len(x_BTI)) for layer in layers)
        after = []
        for number, (layer, cell) in enumerate(zip(layers, before, strict=True), start=1):
            y_BTD, cell = layer.run(x_BTI, cell)
            x_BTI = x_BTI + y_BTD if number >= self.residual_from else y_BTD
            after.append(cell)
        return (x_BTI if self.project is None else self.project(x_BTI)), tuple(after)
