"""A flow of residual couplings: Kim et al. (2021), "Conditional Variational Autoencoder with Adversarial
Learning for End-to-End Text-to-Speech", arXiv:2106.06103, section 2.5.2 and appendix B.3.

Each coupling shifts one half of the features by what it reads in the other and stretches nothing, so that the
Jacobian determinant of the whole is one.
"""

# B batch, D width, T time, S width of the vector that says who speaks

from __future__ import annotations

import torch
from torch import Tensor, nn

from seqspec.components._layers.wavenet import WaveNet


class CouplingFlow(nn.Module):
    """``flow(x, mask)`` and its inverse, both ``[B, D, T]``; features are turned round after each
    coupling.
    """

    def __init__(
        self, dim: int, *, kernel: int, num_layers: int, num_blocks: int, speaker_dim: int | None = None
    ) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(
            _Coupling(dim, kernel=kernel, num_layers=num_layers, speaker_dim=speaker_dim)
            for _ in range(num_blocks)
        )

    def forward(self, x_BDT: Tensor, mask_B1T: Tensor, speaker_BS1: Tensor | None = None) -> Tensor:
        for block in self.blocks:
            kept, moved = x_BDT.chunk(2, dim=1)
            moved = (moved + block(kept, mask_B1T, speaker_BS1)) * mask_B1T
            x_BDT = torch.cat([kept, moved], dim=1).flip(1)
        return x_BDT

    def inverse(self, x_BDT: Tensor, mask_B1T: Tensor, speaker_BS1: Tensor | None = None) -> Tensor:
        """What ``forward`` makes ``x_BDT`` of."""
        for block in reversed(self.blocks):
            kept, moved = x_BDT.flip(1).chunk(2, dim=1)
            moved = (moved - block(kept, mask_B1T, speaker_BS1)) * mask_B1T
            x_BDT = torch.cat([kept, moved], dim=1)
        return x_BDT


class _Coupling(nn.Module):
    """The shift of one half; zero at first, so that the flow begins as the identity."""

    def __init__(self, dim: int, *, kernel: int, num_layers: int, speaker_dim: int | None) -> None:
        super().__init__()
        self.entry = nn.Conv1d(dim // 2, dim, 1)
        self.body = WaveNet(dim, kernel=kernel, num_layers=num_layers, speaker_dim=speaker_dim)
        self.exit = nn.Conv1d(dim, dim // 2, 1)
        nn.init.zeros_(self.exit.weight)
        assert self.exit.bias is not None
        nn.init.zeros_(self.exit.bias)

    def forward(self, kept_BDT: Tensor, mask_B1T: Tensor, speaker_BS1: Tensor | None) -> Tensor:
        hidden = self.body(self.entry(kept_BDT) * mask_B1T, mask_B1T, speaker_BS1)
        shift_BDT: Tensor = self.exit(hidden) * mask_B1T
        return shift_BDT
