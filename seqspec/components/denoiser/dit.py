"""Diffusion transformer."""

# B batch, C channels, H height, W width, P patches, D width

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

from seqspec.components._layers.class_vector import classes_of
from seqspec.components._layers.init import linear
from seqspec.components._layers.time_embedding import TimeEmbedding, waves
from seqspec.schema.denoiser.dit import DitConfig
from seqspec.schema.types import Image, Type

WAVES = 256
"""Width of the waves that tell the time."""
EPSILON = 1e-6


class Dit(nn.Module):
    """``[B, C, H, W]``, times ``[B]`` and classes give ``[B, C, H, W]``."""

    stacked = ("layers",)

    positions_PD: Tensor

    def __init__(self, config: DitConfig, takes: Mapping[str, Type]) -> None:
        super().__init__()
        image = takes["image"]
        assert isinstance(image, Image)
        self.patch, self.channels = config.patch, image.channels
        self.rows, self.columns = image.height // self.patch, image.width // self.patch
        size = image.channels * self.patch**2
        self.first = linear(size, config.dim)
        self.time = TimeEmbedding(WAVES, config.dim, classes=classes_of(takes))
        for layer in (self.time.first, self.time.second):
            nn.init.normal_(layer.weight, 0.0, 0.02)
        layers = (_Layer(config.dim, config.num_heads) for _ in range(config.num_layers))
        self.layers = nn.ModuleList(layers)
        self.last = _Modulated(config.dim, 2)
        self.pixels = _zero(nn.Linear(config.dim, size))
        places = positions(self.rows, self.columns, config.dim)
        self.register_buffer("positions_PD", places, persistent=False)

    def forward(self, x_BCHW: Tensor, time_B: Tensor, classes_B: Tensor | None = None) -> Tensor:
        time_BD = functional.silu(self.time(time_B, classes_B))
        x_BPD = self.first(self._patches(x_BCHW)) + self.positions_PD
        for layer in self.layers:
            x_BPD = layer(x_BPD, time_BD)
        shift, scale = self.last(time_BD)
        return self._image(self.pixels(modulated(x_BPD, shift, scale)))

    def _patches(self, x_BCHW: Tensor) -> Tensor:
        """``[B, P, C · patch²]``."""
        cut = functional.unfold(x_BCHW, self.patch, stride=self.patch)
        return cut.transpose(1, 2)

    def _image(self, x_BPD: Tensor) -> Tensor:
        size = self.rows * self.patch, self.columns * self.patch
        return functional.fold(x_BPD.transpose(1, 2), size, self.patch, stride=self.patch)


class _Modulated(nn.Module):
    """Shifts, scales and gates of a layer, from the time's vector; all of them begin as 0."""

    def __init__(self, dim: int, count: int) -> None:
        super().__init__()
        self.count = count
        self.linear = _zero(nn.Linear(dim, count * dim))

    def forward(self, time_BD: Tensor) -> tuple[Tensor, ...]:
        return tuple(self.linear(time_BD)[:, None].chunk(self.count, dim=2))


class _Layer(nn.Module):
    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.modulation = _Modulated(dim, 6)
        self.attention, self.output = linear(dim, 3 * dim), linear(dim, dim)
        self.inner, self.outer = linear(dim, 4 * dim), linear(4 * dim, dim)

    def forward(self, x_BPD: Tensor, time_BD: Tensor) -> Tensor:
        shift, scale, gate, shift_inner, scale_inner, gate_inner = self.modulation(time_BD)
        x_BPD = x_BPD + gate * self._attend(modulated(x_BPD, shift, scale))
        inner = functional.gelu(self.inner(modulated(x_BPD, shift_inner, scale_inner)), approximate="tanh")
        return x_BPD + gate_inner * self.outer(inner)

    def _attend(self, x_BPD: Tensor) -> Tensor:
        heads = self.attention(x_BPD).unflatten(2, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        mixed = functional.scaled_dot_product_attention(heads[0], heads[1], heads[2])
        given: Tensor = self.output(mixed.transpose(1, 2).flatten(2))
        return given


def modulated(x_BPD: Tensor, shift: Tensor, scale: Tensor) -> Tensor:
    """Layer normalisation without weights of its own, then the time's."""
    return functional.layer_norm(x_BPD, x_BPD.shape[-1:], eps=EPSILON) * (1 + scale) + shift


def positions(rows: int, columns: int, dim: int) -> Tensor:
    """``[P, dim]``: waves of the row, then of the column."""
    down = waves(torch.arange(rows), dim // 2)[:, None].expand(-1, columns, -1)
    across = waves(torch.arange(columns), dim // 2)[None].expand(rows, -1, -1)
    return torch.cat([across, down], dim=2).flatten(0, 1)


def _zero(layer: nn.Linear) -> nn.Linear:
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer
