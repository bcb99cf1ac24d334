"""Convolutions, then bidirectional LSTMs.

Differs from Lingvo in the convolutions' padding, one frame on either side whatever the length, so that a
sentence gives the same states in any batch; Lingvo's extra six padded steps and its all-zero last frame are
then not needed.
"""

# B batch, T frames, S states, D width

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from seqspec.components._layers.batch_norm import MaskedBatchNormRelu
from seqspec.components._layers.dropout import Dropout
from seqspec.components._layers.lstm import CellState, Lstm
from seqspec.components._layers.masks import length_mask
from seqspec.components._layers.subsampling import ConvStack
from seqspec.schema.encoder.conv_lstm import ConvLstmConfig
from seqspec.schema.types import Frames


class ConvLstm(nn.Module):
    """``[B, T, dim]`` frames give ``[B, ceil(T / stride), directions · dim]`` states, zero beyond each
    length.
    """

    def __init__(self, config: ConvLstmConfig, source: Frames) -> None:
        super().__init__()
        self.convolutions = ConvStack(
            source.dim // source.channels,
            inputs=source.channels,
            channels=config.channels,
            strides=list(zip(config.time_strides, config.bin_strides, strict=True)),
            batch_norm_decay=config.batch_norm_decay,
            init_std=config.conv_init_std,
        )
        self.dropout = Dropout(config.dropout)
        self.layers = nn.ModuleList()
        self.projections = nn.ModuleList()
        width = self.convolutions.dim
        for index in range(config.num_layers):
            self.layers.append(_layer(config, width))
            width = config.num_directions * config.dim
            if config.projection == "batch_norm_relu" and index < config.num_layers - 1:
                self.projections.append(_Projection(width, decay=config.batch_norm_decay))

    def forward(self, x_BTD: Tensor, lengths_B: Tensor) -> tuple[Tensor, Tensor]:
        x_BSD, lengths_B = self.convolutions(x_BTD, lengths_B)
        mask_BS = length_mask(lengths_B, x_BSD.shape[1])
        for index, layer in enumerate(self.layers):
            x_BSD = layer(self.dropout(x_BSD), lengths_B)
            if index < len(self.projections):
                x_BSD = self.projections[index](x_BSD, mask_BS)
        return self.dropout(x_BSD), lengths_B

    def advance(
        self, x_BTD: Tensor, state: ConvLstmStream | None, *, last: bool
    ) -> tuple[Tensor, ConvLstmStream]:
        """More frames of a stream that is read in one direction: the states that can be told by now."""
        layers: Any = self.layers
        cells = state.cells if state is not None else tuple(layer.start(len(x_BTD)) for layer in layers)
        x_BSD, held = self.convolutions.advance(x_BTD, state and state.frames, last=last)
        mask_BS = torch.ones(x_BSD.shape[:2], dtype=torch.bool, device=x_BSD.device)
        after = []
        for index, (layer, cell) in enumerate(zip(layers, cells, strict=True)):
            x_BSD, cell = layer.run(x_BSD, cell)
            after.append(cell)
            if index < len(self.projections):
                x_BSD = self.projections[index](x_BSD, mask_BS)
        return x_BSD, ConvLstmStream(held, tuple(after))


class ConvLstmStream(NamedTuple):
    """What a stream has to remember between two pieces."""

    frames: tuple[Tensor, ...]
    """Frames, and states of each convolution, that the next ones need beside them."""
    cells: tuple[CellState, ...]


def _layer(config: ConvLstmConfig, inputs: int) -> Lstm:
    return Lstm(
        inputs,
        config.dim,
        bidirectional=config.bidirectional,
        cell_cap=config.cell_cap,
        forget_bias=config.forget_bias,
        init_range=config.init_range,
    )


class _Projection(nn.Module):
    """A square matrix without bias, batch normalisation over real steps, ReLU."""

    def __init__(self, dim: int, *, decay: float) -> None:
        super().__init__()
        self.linear = nn.Linear(dim, dim, bias=False)
        nn.init.kaiming_uniform_(self.linear.weight, nonlinearity="relu")
        self.norm = MaskedBatchNormRelu(dim, decay=decay)

    def forward(self, x_BSD: Tensor, mask_BS: Tensor) -> Tensor:
        given: Tensor = self.norm(self.linear(x_BSD), mask_BS)
        return given
