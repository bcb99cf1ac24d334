"""MultiModel's encoder: blocks of separable convolutions with a mixture of experts between them.

Differs from the paper in that an input of another width goes through a linear layer, and from Tensor2Tensor's
first version in that sinusoids fill all features, not the first 32.
"""

# B batch, T time, D width

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor, nn

from seqspec.components._layers.dropout import Dropout
from seqspec.components._layers.init import linear
from seqspec.components._layers.masks import length_mask
from seqspec.components._layers.multimodel import ConvolutionBlock, ResidualExperts, sizes_of
from seqspec.components._layers.positions import sinusoids
from seqspec.schema.encoder.multimodel import MultimodelConfig
from seqspec.schema.types import Frames


class Multimodel(nn.Module):
    """``[B, T, D]`` gives ``[B, T, dim]``, zero beyond each length."""

    def __init__(self, config: MultimodelConfig, source: Frames, parts: Callable[[str], Any]) -> None:
        super().__init__()
        self.auxiliary = tuple(config.auxiliary())
        self.project = linear(source.dim, config.dim) if source.dim != config.dim else None
        add_first = config.residual == "input_and_first"
        self.blocks = nn.ModuleList(
            ConvolutionBlock(config.dim, sizes_of(config), causal=False, add_first=add_first)
            for _ in range(config.num_layers)
        )
        experts = parts("experts")
        self.experts = None if experts is None else ResidualExperts(experts, config.dim)
        self.experts_after = config.experts_after or 0
        self.dropout = Dropout(config.dropout)
        self.drops_blocks = config.dropout_after == "block"

    def forward(
        self, x_BTD: Tensor, lengths_B: Tensor, *, auxiliary: dict[str, Tensor] | None = None
    ) -> tuple[Tensor, Tensor]:
        """The lengths stay as they were; what is beyond a length changes nothing before it."""
        if self.project is not None:
            x_BTD = self.project(x_BTD)
        size, dim = x_BTD.shape[1:]
        real_BT = length_mask(lengths_B, size)
        real_BT1 = real_BT[..., None]
        x_BTD = x_BTD + sinusoids(0, size, dim=dim, device=x_BTD.device).to(x_BTD.dtype)
        for number, block in enumerate(self.blocks, start=1):
            x_BTD = block(x_BTD, real_BT) * real_BT1
            at_experts = self.experts is not None and number == self.experts_after
            if self.drops_blocks or at_experts or number == len(self.blocks):
                x_BTD = self.dropout(x_BTD)
            if self.experts is not None and at_experts:
                x_BTD = self.experts(x_BTD, real_BT, auxiliary) * real_BT1
        return x_BTD, lengths_B
