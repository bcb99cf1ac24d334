"""ByteNet's encoder: dilated convolutions that see both sides."""

# B batch, T time, D width

from __future__ import annotations

from torch import Tensor, nn

from seqspec.components._layers.dilated import DilatedStack
from seqspec.components._layers.init import linear
from seqspec.components._layers.masks import length_mask
from seqspec.schema.encoder.bytenet import BytenetConfig
from seqspec.schema.types import Frames


class Bytenet(nn.Module):
    """An input of another width than ``dim`` goes through a linear layer first."""

    def __init__(self, config: BytenetConfig, source: Frames) -> None:
        super().__init__()
        self.project = linear(source.dim, config.dim) if source.dim != config.dim else None
        self.stack = DilatedStack(
            config.dim,
            num_blocks=config.num_blocks,
            dilations=config.dilations,
            kernel=config.kernel,
            dropout=config.dropout,
            causal=False,
        )

    def forward(self, x_BTD: Tensor, lengths_B: Tensor) -> tuple[Tensor, Tensor]:
        """Gives ``[B, T, D]``, zero beyond each length, and the lengths as they were."""
        mask_BT = length_mask(lengths_B, x_BTD.shape[1])
        if self.project is not None:
            x_BTD = self.project(x_BTD)
        return self.stack(x_BTD, mask_BT) * mask_BT[..., None], lengths_B
