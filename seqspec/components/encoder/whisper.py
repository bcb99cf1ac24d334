"""Whisper's encoder, on the Transformer's layers."""

# B batch, T frames, M mel filters, S states, D width

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from seqspec.components._layers.dropout import Dropout
from seqspec.components._layers.input_limits import InputTooLong
from seqspec.components._layers.masks import length_mask
from seqspec.components._layers.positions import sinusoids
from seqspec.components._layers.transformer_layer import Context, make_norm
from seqspec.components._layers.whisper_layers import whisper_layers
from seqspec.schema.encoder.whisper import STRIDE, WhisperConfig
from seqspec.schema.types import Frames


class Whisper(nn.Module):
    """Frames ``[B, T, M]`` to states ``[B, max_positions, D]``, all of which are real."""

    stacked = ("layers",)

    positions_TD: Tensor

    def __init__(self, config: WhisperConfig, source: Frames) -> None:
        super().__init__()
        assert config.dim is not None
        assert config.max_positions is not None
        dim, self.size = config.dim, config.max_positions * STRIDE
        self.convolutions = nn.ModuleList(
            nn.Conv1d(inputs, dim, 3, stride, padding=1)
            for inputs, stride in ((source.dim, 1), (dim, STRIDE))
        )
        table_TD = sinusoids(0, config.max_positions, dim=dim, device=torch.device("cpu"))
        self.register_buffer("positions_TD", table_TD)
        self.dropout = Dropout(config.dropout)
        self.layers = whisper_layers(config, causal=False)
        self.norm = make_norm(config.stack(), dim)

    def forward(self, x_BTM: Tensor, lengths_B: Tensor) -> tuple[Tensor, Tensor]:
        """States and how many there are, the same for all.  Raises ``InputTooLong``."""
        x_BDT = self._filled(x_BTM, lengths_B).transpose(1, 2)
        for convolution in self.convolutions:
            x_BDT = functional.gelu(convolution(x_BDT))
        x_BSD = x_BDT.transpose(1, 2)
        x_BSD = self.dropout(x_BSD + self.positions_TD.to(x_BSD.dtype))
        for layer in self.layers:
            x_BSD = layer(x_BSD, Context())
        return self.norm(x_BSD), torch.full_like(lengths_B, x_BSD.shape[1])

    def _filled(self, x_BTM: Tensor, lengths_B: Tensor) -> Tensor:
        """``[B, 2 * max_positions, M]``: each recording goes on with its last frame, which is silence."""
        if x_BTM.shape[1] > self.size:
            raise InputTooLong(x_BTM.shape[1], self.size)
        last_B = (lengths_B - 1).clamp(min=0)
        last_B1M = x_BTM.gather(1, last_B[:, None, None].expand(-1, 1, x_BTM.shape[2]))
        x_BTM = functional.pad(x_BTM, (0, 0, 0, self.size - x_BTM.shape[1]))
        return torch.where(length_mask(lengths_B, self.size)[..., None], x_BTM, last_B1M)
