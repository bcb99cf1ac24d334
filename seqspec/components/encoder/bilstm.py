"""Bidirectional LSTMs over stacked frames."""

# B batch, T frames, S states, D width

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from seqspec.components._layers.dropout import Dropout
from seqspec.components._layers.lstm import Lstm
from seqspec.components._layers.masks import length_mask
from seqspec.components._layers.subsampling import shortened
from seqspec.schema.encoder.bilstm import BilstmConfig
from seqspec.schema.types import Frames


class Bilstm(nn.Module):
    """``[B, T, dim]`` gives ``[B, ceil(T / stack), 2 · dim]``, zero beyond each length."""

    def __init__(self, config: BilstmConfig, source: Frames) -> None:
        super().__init__()
        self.stack = config.stack
        self.dropout = Dropout(config.dropout)
        widths = [source.dim * config.stack] + [2 * config.dim] * (config.num_layers - 1)
        self.layers = nn.ModuleList(
            Lstm(
                width,
                config.dim,
                bidirectional=True,
                cell_cap=config.cell_cap,
                forget_bias=config.forget_bias,
            )
            for width in widths
        )

    def forward(self, x_BTD: Tensor, lengths_B: Tensor) -> tuple[Tensor, Tensor]:
        x_BSD, lengths_B = stack_frames(x_BTD, lengths_B, count=self.stack)
        for layer in self.layers:
            x_BSD = layer(self.dropout(x_BSD), lengths_B)
        return self.dropout(x_BSD), lengths_B


def stack_frames(x_BTD: Tensor, lengths_B: Tensor, *, count: int) -> tuple[Tensor, Tensor]:
    """``count`` neighbours side by side; the last group is filled up with zeros."""
    if count == 1:
        return x_BTD, lengths_B
    x_BTD = x_BTD * length_mask(lengths_B, x_BTD.shape[1])[..., None]
    x_BTD = functional.pad(x_BTD, (0, 0, 0, -x_BTD.shape[1] % count))
    return x_BTD.reshape(len(x_BTD), -1, count * x_BTD.shape[2]), shortened(lengths_B, count)
