"""SliceNet's encoder: depthwise-separable convolutions that see both sides.

Differs from Tensor2Tensor's in that an input of another width goes through a linear layer.
"""

# B batch, T time, D width

from __future__ import annotations

from torch import Tensor, nn

from seqspec.components._layers.dropout import Dropout
from seqspec.components._layers.init import linear
from seqspec.components._layers.masks import length_mask
from seqspec.components._layers.positions import sinusoids
from seqspec.components._layers.separable import Separable, SeparableLayer
from seqspec.schema.encoder.slicenet import SlicenetConfig
from seqspec.schema.types import Frames


class Slicenet(nn.Module):
    """An input of another width than ``dim`` goes through a linear layer first."""

    stacked = ("layers",)

    def __init__(self, config: SlicenetConfig, source: Frames) -> None:
        super().__init__()
        self.project = linear(source.dim, config.dim) if source.dim != config.dim else None
        sizes = [
            Separable(*size) for size in zip(config.kernels, config.dilations, config.groups, strict=True)
        ]
        self.layers = nn.ModuleList(
            SeparableLayer(config.dim, sizes, causal=False) for _ in range(config.num_layers)
        )
        self.dropout = Dropout(config.dropout)

    def forward(self, x_BTD: Tensor, lengths_B: Tensor) -> tuple[Tensor, Tensor]:
        """Gives ``[B, T, D]``, zero beyond each length, and the lengths as they were."""
        if self.project is not None:
            x_BTD = self.project(x_BTD)
        size, dim = x_BTD.shape[1:]
        mask_BT = length_mask(lengths_B, size)
        x_BTD = x_BTD + sinusoids(0, size, dim=dim, device=x_BTD.device).to(x_BTD.dtype)
        for layer in self.layers:
            x_BTD = layer(x_BTD, mask_BT) * mask_BT[..., None]
        return self.dropout(x_BTD), lengths_B
