"""HiFi-GAN's generator, with weight normalisation as it is trained."""

# B batch, T frames, L samples, M mel features, C channels, S width of the vector that says who speaks

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from seqspec.components._layers.weight_norm import weight_norm
from seqspec.components.predictions import AudioPrediction
from seqspec.schema.types import Frames
from seqspec.schema.vocoder.hifi_gan import HifiGanConfig

SLOPE = 0.1
"""Of leaky ReLUs."""


class HifiGan(nn.Module):
    """``vocoder(frames_BTM)`` gives ``[B, L]`` with L the hop times T; of a model with voices
    ``vocoder(frames_BTM, speaker_BS)``.
    """

    def __init__(self, config: HifiGanConfig, source: Frames) -> None:
        super().__init__()
        assert source.mel is not None
        self.rate = source.mel.rate
        width, self.kinds = config.channels, len(config.block_kernels)
        held = config.ends == "normalized"
        entry = nn.Conv1d(source.dim, width, 7, padding=3)
        self.entry = weight_norm(entry) if held else entry
        self.speaker = None if config.speaker_dim is None else nn.Linear(config.speaker_dim, width)
        self.steps, self.blocks = nn.ModuleList(), nn.ModuleList()
        for rate, kernel in zip(config.upsample_rates, config.upsample_kernels, strict=True):
            padding = (kernel - rate) // 2
            self.steps.append(
                weight_norm(_drawn(nn.ConvTranspose1d(width, width // 2, kernel, rate, padding)))
            )
            width //= 2
            for k, dilations in zip(config.block_kernels, config.block_dilations, strict=True):
                self.blocks.append(_Block(width, k, dilations, twice=config.block == "1"))
        exit = _drawn(nn.Conv1d(width, 1, 7, padding=3, bias=held))
        self.exit = weight_norm(exit) if held else exit

    def forward(self, frames_BTM: Tensor, speaker_BS: Tensor | None = None) -> Tensor:
        x_BCL = self.entry(frames_BTM.transpose(1, 2))
        if self.speaker is not None:
            x_BCL = x_BCL + self.speaker(speaker_BS)[:, :, None]
        for number, step in enumerate(self.steps):
            x_BCL = step(functional.leaky_relu(x_BCL, SLOPE))
            blocks = self.blocks[number * self.kinds : (number + 1) * self.kinds]
            x_BCL = _mean([block(x_BCL) for block in blocks])
        wave_BL: Tensor = torch.tanh(self.exit(functional.leaky_relu(x_BCL))).squeeze(1)
        return wave_BL

    @torch.no_grad()
    def sound(self, frames_TM: Tensor) -> AudioPrediction:
        """The waveform of one recording."""
        if not len(frames_TM):
            return AudioPrediction(np.zeros(0, np.float32), self.rate)
        wave_L = self(frames_TM.to(next(self.parameters()))[None])[0]
        return AudioPrediction(wave_L.float().cpu().numpy(), self.rate)


class _Block(nn.Module):
    """Multi-receptive-field fusion, section 2.2: residual convolutions of growing dilation."""

    def __init__(self, width: int, kernel: int, dilations: list[int], *, twice: bool) -> None:
        super().__init__()

        def convolution(dilation: int) -> nn.Module:
            padding = dilation * (kernel - 1) // 2
            return weight_norm(_drawn(nn.Conv1d(width, width, kernel, dilation=dilation, padding=padding)))

        self.first = nn.ModuleList(convolution(dilation) for dilation in dilations)
        self.second = nn.ModuleList(convolution(1) for _ in dilations if twice)

    def forward(self, x_BCL: Tensor) -> Tensor:
        for number, first in enumerate(self.first):
            y_BCL = first(functional.leaky_relu(x_BCL, SLOPE))
            if len(self.second):
                y_BCL = self.second[number](functional.leaky_relu(y_BCL, SLOPE))
            x_BCL = x_BCL + y_BCL
        return x_BCL


def _mean(parts: list[Tensor]) -> Tensor:
    """Of tensors of one shape; without a copy of them where that sums in the order that torch does."""
    first = parts[0]
    if len(parts) > 4 or first.dtype != torch.float32 or first.device.type != "cpu":
        return torch.stack(parts).mean(0)
    return sum(parts[1:], start=first) / len(parts)


def _drawn(layer: nn.Conv1d | nn.ConvTranspose1d) -> nn.Module:
    """Weights from N(0, 0.01²), as the authors draw them."""
    nn.init.normal_(layer.weight, 0.0, 0.01)
    return layer
