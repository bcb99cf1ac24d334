"""The encoder of Tensor2Tensor's set ``multimodel_base``.

Differs from it in that an input of another width goes through a linear layer in every task; there an input of
the same width stops with an unbound variable.
"""

# B batch, T time, D width

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from seqspec.components._layers.dropout import Dropout
from seqspec.components._layers.init import linear
from seqspec.components._layers.masks import length_mask
from seqspec.components._layers.positions import sinusoids
from seqspec.components._layers.separable import Separable, SeparableConvolution
from seqspec.schema.encoder.multimodel_base import MultimodelBaseConfig
from seqspec.schema.types import Frames


class MultimodelBase(nn.Module):
    """``[B, T, D]`` gives ``[B, T, dim]``, zero beyond each length."""

    stacked = ("layers",)

    def __init__(self, config: MultimodelBaseConfig, source: Frames, parts: Any) -> None:
        super().__init__()
        self.auxiliary = tuple(config.auxiliary())
        self.project = linear(source.dim, config.dim) if source.dim != config.dim else None
        experts = parts.copies("experts", config.num_layers)
        self.layers = nn.ModuleList(_Layer(config, one) for one in experts)

    def forward(
        self, x_BTD: Tensor, lengths_B: Tensor, *, auxiliary: dict[str, Tensor] | None = None
    ) -> tuple[Tensor, Tensor]:
        """The lengths stay as they were; what is beyond a length changes nothing before it."""
        if self.project is not None:
            x_BTD = self.project(x_BTD)
        size, dim = x_BTD.shape[1:]
        real_BT = length_mask(lengths_B, size)
        x_BTD = x_BTD + sinusoids(0, size, dim=dim, device=x_BTD.device).to(x_BTD.dtype)
        for layer in self.layers:
            x_BTD = layer(x_BTD, real_BT, auxiliary) * real_BT[..., None]
        return x_BTD, lengths_B


class _Layer(nn.Module):
    def __init__(self, config: MultimodelBaseConfig, experts: nn.Module) -> None:
        super().__init__()
        self.convolutions = nn.ModuleList(
            SeparableConvolution(inputs, Separable(kernel, dilation, 1), causal=False, outputs=outputs)
            for inputs, outputs, kernel, dilation in config.widths
        )
        self.experts = experts
        self.dropout = Dropout(config.dropout)
        self.norm = nn.LayerNorm(config.dim, eps=1e-6)

    def forward(self, x_BTD: Tensor, real_BT: Tensor, auxiliary: dict[str, Tensor] | None) -> Tensor:
        y_BTD = x_BTD
        for number, convolution in enumerate(self.convolutions):
            y_BTD = convolution(self.dropout(y_BTD) if number == 2 else y_BTD, real_BT)
        z_BTD = self.experts(x_BTD, real_BT, auxiliary=auxiliary)
        given: Tensor = self.norm(x_BTD + self.dropout(y_BTD) + self.dropout(z_BTD))
        return given
