"""Gated dilated convolutions over time, as WaveGlow and VITS have them: van den Oord et al. (2016), "WaveNet:
A Generative Model for Raw Audio", arXiv:1609.03499, section 2.3, without its causality.
"""

# B batch, D width, T time, S width of the vector that says who speaks

from __future__ import annotations

import torch
from torch import Tensor, nn

from seqspec.components._layers.weight_norm import weight_norm


class WaveNet(nn.Module):
    """``[B, D, T]`` to the sum of what every layer adds beside its residual, ``[B, D, T]``."""

    def __init__(
        self,
        dim: int,
        *,
        kernel: int,
        num_layers: int,
        dilation_rate: int = 1,
        speaker_dim: int | None = None,
    ) -> None:
        super().__init__()
        self.dim = dim
        self.gates, self.exits = nn.ModuleList(), nn.ModuleList()
        for number in range(num_layers):
            dilation = dilation_rate**number
            padding = (kernel - 1) * dilation // 2
            gate = nn.Conv1d(dim, 2 * dim, kernel, dilation=dilation, padding=padding)
            self.gates.append(weight_norm(gate))
            last = number == num_layers - 1
            self.exits.append(weight_norm(nn.Conv1d(dim, dim if last else 2 * dim, 1)))
        self.speaker: nn.Module | None = None
        if speaker_dim is not None:
            self.speaker = weight_norm(nn.Conv1d(speaker_dim, 2 * dim * num_layers, 1))

    def forward(self, x_BDT: Tensor, mask_B1T: Tensor, speaker_BS1: Tensor | None = None) -> Tensor:
        """Places that the mask leaves out are zero and change no other."""
        told = self._told(speaker_BS1)
        sum_BDT = torch.zeros_like(x_BDT)
        for number, (gate, exit) in enumerate(zip(self.gates, self.exits, strict=True)):
            wide = gate(x_BDT) if told is None else gate(x_BDT) + told[number]
            filtered, opened = wide.chunk(2, dim=1)
            y = exit(torch.tanh(filtered) * torch.sigmoid(opened))
            if y.shape[1] == self.dim:
                return (sum_BDT + y) * mask_B1T
            x_BDT = (x_BDT + y[:, : self.dim]) * mask_B1T
            sum_BDT = sum_BDT + y[:, self.dim :]
        raise AssertionError("the last layer has no residual")

    def _told(self, speaker_BS1: Tensor | None) -> tuple[Tensor, ...] | None:
        """What the speaker adds before the gates of each layer."""
        if self.speaker is None:
            return None
        assert speaker_BS1 is not None
        told: tuple[Tensor, ...] = self.speaker(speaker_BS1).chunk(len(self.gates), dim=1)
        return told
