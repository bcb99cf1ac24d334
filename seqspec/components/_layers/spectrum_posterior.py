"""What a recording says of its latent vectors: Kim et al. (2021), arXiv:2106.06103, section 2.5.1."""

# B batch, F points of the spectrum, D width, T frames, S width of the vector that says who speaks

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor, nn

from seqspec.components._layers.wavenet import WaveNet


class SpectrumPosterior(nn.Module):
    """``posterior(x_BFT, mask_B1T)`` gives mean and logarithm of the standard deviation, ``[B, D, T]``
    both.
    """

    def __init__(
        self, points: int, dim: int, *, kernel: int, num_layers: int, speaker_dim: int | None = None
    ) -> None:
        super().__init__()
        self.entry = nn.Conv1d(points, dim, 1)
        self.body = WaveNet(dim, kernel=kernel, num_layers=num_layers, speaker_dim=speaker_dim)
        self.exit = nn.Conv1d(dim, 2 * dim, 1)

    def forward(
        self, x_BFT: Tensor, mask_B1T: Tensor, speaker_BS1: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        hidden_BDT = self.body(self.entry(x_BFT) * mask_B1T, mask_B1T, speaker_BS1)
        mean_BDT, log_std_BDT = (self.exit(hidden_BDT) * mask_B1T).chunk(2, dim=1)
        return mean_BDT, log_std_BDT


class Latent(NamedTuple):
    """Latent vectors of a batch of recordings."""

    z_BDT: Tensor
    """Drawn from the posterior."""
    log_std_BDT: Tensor
    mask_B1T: Tensor
    frames_B: Tensor
