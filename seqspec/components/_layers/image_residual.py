"""Residual layers of an autoencoder: van den Oord et al. (2017), arXiv:1711.00937, section 4.1."""

# B batch, C channels, H height, W width

from __future__ import annotations

from collections.abc import Iterator

from torch import Tensor, nn


class ResidualLayer(nn.Module):
    """ReLU, 3 × 3, ReLU, 1 × 1, added to what was given."""

    def __init__(self, channels: int, inner: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, inner, 3, padding=1)
        self.second = nn.Conv2d(inner, channels, 1)

    def forward(self, x_BCHW: Tensor) -> Tensor:
        return x_BCHW + self.second(self.first(x_BCHW.relu()).relu())


def residual_stack(channels: int, inner: int, *, count: int) -> Iterator[nn.Module]:
    """The layers and a ReLU after the last."""
    yield from (ResidualLayer(channels, inner) for _ in range(count))
    yield nn.ReLU()
