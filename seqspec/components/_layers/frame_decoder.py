"""Writes frames one after another from what an attention has found: the decoder of Shen et al. (2018),
"Natural TTS Synthesis by Conditioning WaveNet on Mel Spectrogram Predictions", arXiv:1712.05884, section 2.2.
"""

# B batch, N tokens, T frames, D width of a token, M features of a frame, P width of the prenet, A width in
# which states are compared, H width of what frames are written from

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from seqspec.components._layers.dropout import dropout
from seqspec.components._layers.init import linear
from seqspec.components._layers.location_attention import LocationAttention
from seqspec.components._layers.masks import length_mask


class FrameDecoder(nn.Module):
    """Attention, two LSTM cells, and what is written from them."""

    def __init__(
        self,
        bins: int,
        *,
        memory_dim: int,
        prenet_dim: int,
        prenet_dropout: float,
        attention_rnn_dim: int,
        decoder_rnn_dim: int,
        rnn_dropout: float,
        attention: Callable[[int, int], LocationAttention],
    ) -> None:
        """``attention`` is built for the width of what asks and that of the memory."""
        super().__init__()
        self.prenet = nn.ModuleList(linear(width, prenet_dim, bias=False) for width in (bins, prenet_dim))
        self.prenet_dim = prenet_dim
        self.prenet_rate, self.rate = prenet_dropout, rnn_dropout
        self.attention_cell = nn.LSTMCell(prenet_dim + memory_dim, attention_rnn_dim)
        self.attention = attention(attention_rnn_dim, memory_dim)
        self.decoder_cell = nn.LSTMCell(attention_rnn_dim + memory_dim, decoder_rnn_dim)
        self.projection = linear(decoder_rnn_dim + memory_dim, bins)
        self.stop = linear(decoder_rnn_dim + memory_dim, 1)

    def forced(self, memory_BND: Tensor, tokens_B: Tensor, target_BTM: Tensor) -> Written:
        """Each frame from the true one before it; the first from zeros."""
        before_BTM = functional.pad(target_BTM, (0, 0, 1, 0))[:, :-1]
        entries_BTP = before_BTM
        for layer in self.prenet:
            entries_BTP = dropout(torch.relu(layer(entries_BTP)), self.prenet_rate)
        keys_BNA, mask_BN = (
            self.attention.memory(memory_BND),
            length_mask(tokens_B.clamp(min=1), memory_BND.shape[1]),
        )
        state, hidden, weights = self.start(memory_BND), [], []
        for t in range(target_BTM.shape[1]):
            hidden_BH, state = self.step(entries_BTP[:, t], state, memory_BND, keys_BNA, mask_BN)
            hidden.append(hidden_BH)
            weights.append(state.looked_B2N[:, 0])
        hidden_BTH = torch.stack(hidden, 1)
        return Written(
            self.projection(hidden_BTH), self.stop(hidden_BTH).squeeze(-1), torch.stack(weights, 1)
        )

    def kept(self, generator: torch.Generator) -> Tensor:
        """``[2, P]``: 0 where a step's prenet drops out, of all examples alike, else 1."""
        drawn = [torch.rand(self.prenet_dim, generator=generator) for _ in self.prenet]
        return (torch.stack(drawn) >= self.prenet_rate).float()

    def entered(self, x: Tensor, kept_2P: Tensor) -> Tensor:
        """The prenet with the zeros that were drawn."""
        for layer, kept_P in zip(self.prenet, kept_2P.unbind(0), strict=True):
            x = torch.relu(layer(x)) * kept_P / (1 - self.prenet_rate)
        return x

    def start(self, memory_BND: Tensor) -> FrameState:
        batch, tokens, dim = memory_BND.shape
        zeros = [memory_BND.new_zeros(batch, c.hidden_size) for c in (self.attention_cell, self.decoder_cell)]
        looked = memory_BND.new_zeros(batch, 2, tokens)
        return FrameState(
            (zeros[0], zeros[0]), (zeros[1], zeros[1]), memory_BND.new_zeros(batch, dim), looked
        )

    def step(
        self, entry_BP: Tensor, state: FrameState, memory_BND: Tensor, keys_BNA: Tensor, mask_BN: Tensor
    ) -> tuple[Tensor, FrameState]:
        """One frame: what is written from, and the state after it."""
        asked, cell = self.attention_cell(torch.cat([entry_BP, state.context_BD], -1), state.attention)
        asked = self._dropped(asked)
        weights_BN = self.attention(asked, keys_BNA, state.looked_B2N, mask_BN)
        context_BD = torch.bmm(weights_BN[:, None], memory_BND)[:, 0]
        looked = torch.stack([weights_BN, state.looked_B2N[:, 1] + weights_BN], 1)
        wrote, wrote_cell = self.decoder_cell(torch.cat([asked, context_BD], -1), state.decoder)
        wrote = self._dropped(wrote)
        after = FrameState((asked, cell), (wrote, wrote_cell), context_BD, looked)
        return torch.cat([wrote, context_BD], -1), after

    def _dropped(self, x: Tensor) -> Tensor:
        return dropout(x, self.rate) if self.training else x


class Written(NamedTuple):
    """What forced decoding gives."""

    frames_BTM: Tensor
    stop_BT: Tensor
    """Logits of the end."""
    weights_BTN: Tensor


class FrameState(NamedTuple):
    """What a step hands to the next."""

    attention: tuple[Tensor, Tensor]
    decoder: tuple[Tensor, Tensor]
    context_BD: Tensor
    looked_B2N: Tensor

    @classmethod
    def of(cls, tensors: Sequence[Tensor]) -> FrameState:
        a, b, c, d, context_BD, looked_B2N = tensors
        return cls((a, b), (c, d), context_BD, looked_B2N)

    def tensors(self) -> tuple[Tensor, ...]:
        return (*self.attention, *self.decoder, self.context_BD, self.looked_B2N)
