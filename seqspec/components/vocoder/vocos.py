"""Vocos: ConvNeXt blocks over frames, and an inverse Fourier transform.

Siuzdak (2023), arXiv:2306.00814, section 3.2; blocks of Liu et al. (2022), "A ConvNet for the 2020s",
arXiv:2201.03545.
"""

# B batch, T frames, L samples, M mel features, D width, F points of the spectrum, W samples of a window

from __future__ import annotations

from typing import TypeVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from seqspec.components._layers.mel import reflected
from seqspec.components.predictions import AudioPrediction
from seqspec.schema.types import Frames
from seqspec.schema.vocoder.vocos import VocosConfig

_Layer = TypeVar("_Layer", nn.Conv1d, nn.Linear)

LOUDEST = 100.0
"""Bound of a magnitude, which its exponential could pass."""
EPSILON = 1e-6
"""Of layer normalisation."""


class Vocos(nn.Module):
    """``vocoder(frames_BTM)`` gives ``[B, L]`` with L the hop times T, or times T - 1 for frames whose first
    stands in the middle of the first sample (``padding: center``).
    """

    window_W: Tensor

    def __init__(self, config: VocosConfig, source: Frames) -> None:
        super().__init__()
        assert source.mel is not None
        self.mel = source.mel
        dim = config.dim
        self.entry = _drawn(nn.Conv1d(source.dim, dim, config.kernel, padding=config.kernel // 2))
        self.entry_norm = nn.LayerNorm(dim, eps=EPSILON)
        self.blocks = nn.ModuleList(_Block(config) for _ in range(config.num_layers))
        self.exit_norm = nn.LayerNorm(dim, eps=EPSILON)
        self.exit = _drawn(nn.Linear(dim, self.mel.fft + 2))
        self.register_buffer("window_W", _centred(self.mel.window, self.mel.fft), persistent=False)

    def forward(self, frames_BTM: Tensor) -> Tensor:
        x_BTD = self.entry_norm(self.entry(frames_BTM.transpose(1, 2)).transpose(1, 2))
        for block in self.blocks:
            x_BTD = block(x_BTD)
        log_BTF, angle_BTF = self.exit(self.exit_norm(x_BTD)).float().chunk(2, dim=-1)
        spectrum_BTF = torch.polar(log_BTF.exp().clamp(max=LOUDEST), angle_BTF)
        return self._samples(spectrum_BTF)

    def _samples(self, spectrum_BTF: Tensor) -> Tensor:
        """The waveform whose transform is nearest: overlapping windows, over the sum of their squares."""
        mel, window_W = self.mel, self.window_W
        pieces_BTW = torch.fft.irfft(spectrum_BTF, mel.fft) * window_W
        total_BL = self._overlapped(pieces_BTW)
        weight_1L = self._overlapped(window_W.square().expand(1, pieces_BTW.shape[1], -1))
        ends = reflected(mel.padding, fft=mel.fft, hop=mel.hop)
        wave_BL = total_BL[:, ends : total_BL.shape[1] - ends]
        return wave_BL / weight_1L[:, ends : weight_1L.shape[1] - ends].clamp_min(1e-8)

    def _overlapped(self, pieces_BTW: Tensor) -> Tensor:
        batch, frames, width = pieces_BTW.shape
        size, hop = width + self.mel.hop * (frames - 1), self.mel.hop
        folded_B11L = functional.fold(pieces_BTW.transpose(1, 2), (1, size), (1, width), stride=(1, hop))
        return folded_B11L.view(batch, size)

    @torch.no_grad()
    def sound(self, frames_TM: Tensor) -> AudioPrediction:
        """The waveform of one recording, clipped to [-1, 1]."""
        if not len(frames_TM):
            return AudioPrediction(np.zeros(0, np.float32), self.mel.rate)
        wave_L = self(frames_TM.to(self.exit.weight)[None])[0].clamp(-1, 1)
        return AudioPrediction(wave_L.float().cpu().numpy(), self.mel.rate)


class _Block(nn.Module):
    """A convolution of each feature alone, then two layers over features; what it adds is scaled."""

    def __init__(self, config: VocosConfig) -> None:
        super().__init__()
        dim, kernel = config.dim, config.kernel
        self.mix = _drawn(nn.Conv1d(dim, dim, kernel, padding=kernel // 2, groups=dim))
        self.norm = nn.LayerNorm(dim, eps=EPSILON)
        self.wide = _drawn(nn.Linear(dim, config.hidden_dim))
        self.narrow = _drawn(nn.Linear(config.hidden_dim, dim))
        self.scale_D = nn.Parameter(torch.full((dim,), 1 / config.num_layers))

    def forward(self, x_BTD: Tensor) -> Tensor:
        y_BTD = self.norm(self.mix(x_BTD.transpose(1, 2)).transpose(1, 2))
        y_BTD = self.narrow(functional.gelu(self.wide(y_BTD)))
        given: Tensor = x_BTD + self.scale_D * y_BTD
        return given


def _drawn(layer: _Layer) -> _Layer:
    """Weights from a normal distribution of deviation 0.02, cut off at two, as the author draws them."""
    nn.init.trunc_normal_(layer.weight, std=0.02)
    assert layer.bias is not None
    nn.init.zeros_(layer.bias)
    return layer


def _centred(window: int, fft: int) -> Tensor:
    """A periodic Hann window in the middle of a transform."""
    left = (fft - window) // 2
    return functional.pad(torch.hann_window(window), (left, fft - window - left))
