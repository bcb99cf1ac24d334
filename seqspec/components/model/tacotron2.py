"""Tacotron 2.  Differs from NVIDIA's code in that padding counts nowhere: losses, batch normalisation and the
encoder's LSTM see real positions alone, and a batch is decoded as its examples are one by one.
"""

# B batch, N tokens, T frames, D width of a token, M features of a frame, P width of the prenet

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from seqspec.components._layers.dropout import Dropout, dropout
from seqspec.components._layers.init import linear
from seqspec.components._layers.location_attention import LocationAttention, guide
from seqspec.components._layers.masked_batch_norm import MaskedBatchNorm
from seqspec.components._layers.masked_convolution import MaskedConvolution
from seqspec.components._layers.masks import length_mask
from seqspec.components._layers.speaker import Speaker
from seqspec.components.model.text_to_frames import frames_predicted, frames_predicted_of
from seqspec.components.outputs import Compared, Only, Output, terms, wanted
from seqspec.components.predictions import FramesPrediction
from seqspec.data.batching.batch import Batch
from seqspec.schema.model.tacotron2 import Tacotron2Config
from seqspec.schema.types import Frames, Type


class Tacotron2(nn.Module):
    """Trained on the true frame before each; synthesis feeds back its own."""

    def __init__(
        self, config: Tacotron2Config, takes: Mapping[str, Type], parts: Callable[[str], Any]
    ) -> None:
        super().__init__()
        target = takes["target"]
        assert isinstance(target, Frames)
        self.rate, self.bins, self.most = float(target.rate), target.dim, config.max_frames
        self.threshold, self.positive = config.stop_threshold, config.stop_positive_weight
        self.width = config.guide_width
        _ = config.guide_weight  # the plan holds it: it weighs the output where no loss states a weight
        self.embedding = parts("embedding")
        widths = [config.dim] * (config.num_convolutions + 1)
        self.convolutions = _Stack(widths, kernel=config.kernel, rate=config.dropout)
        self.lstm = nn.LSTM(config.dim, config.dim // 2, batch_first=True, bidirectional=True)
        self.speaker = Speaker(takes.get("speaker"), dim=config.dim)
        self.decoder = _Decoder(config, bins=target.dim)
        layers = config.num_postnet_layers
        widths = [target.dim, *[config.postnet_dim] * (layers - 1), target.dim]
        self.postnet = _Stack(widths, kernel=config.kernel, rate=config.dropout, tanh=True)
        self.vocoder = parts("vocoder")

    def outputs(self, batch: Batch, *, only: Only = None) -> dict[str, Output]:
        """``frames``, ``coarse`` and, as means over frames, ``stop`` and ``guided_attention``."""
        memory_BND, tokens_B = self._read(batch)
        frames_B = _lengths(batch)
        written = self.decoder.forced(memory_BND, tokens_B, batch.target)
        mask_BT1 = length_mask(frames_B, batch.target.shape[1])[:, :, None]
        found: dict[str, Output] = {}
        if wanted("coarse", only):
            found["coarse"] = Compared(written.frames_BTM * mask_BT1, batch.target, frames_B)
        if wanted("frames", only):
            given = self._mended(written.frames_BTM * mask_BT1, mask_BT1)
            found["frames"] = Compared(given, batch.target, frames_B)
        means = {
            "stop": self._stop(written.stop_BT, frames_B),
            "guided_attention": self._guided(written.weights_BTN, tokens_B, frames_B),
        }
        return found | dict(terms(means, frames_B.sum(), only))

    @torch.no_grad()
    def decode(self, batch: Batch, search: None = None) -> list[list[FramesPrediction]]:
        """One answer an example: until it stops by itself, or after ``max_frames``."""
        memory_BND, tokens_B = self._read(batch)
        frames_BTM, lengths_B = self.decoder.free(
            memory_BND, tokens_B, most=self.most, threshold=self.threshold
        )
        mask_BT1 = length_mask(lengths_B, frames_BTM.shape[1])[:, :, None]
        frames_BTM = self._mended(frames_BTM * mask_BT1, mask_BT1)
        return frames_predicted(frames_BTM, lengths_B.tolist(), rate=self.rate, vocoder=self.vocoder)

    def references(self, batch: Batch) -> Sequence[FramesPrediction | None]:
        """The target's frames."""
        return frames_predicted_of(batch, rate=self.rate, vocoder=self.vocoder)

    def attention(self, batch: Batch) -> Tensor:
        """``[B, T, N]``: where each true frame looked."""
        memory_BND, tokens_B = self._read(batch)
        return self.decoder.forced(memory_BND, tokens_B, batch.target).weights_BTN

    def _read(self, batch: Batch) -> tuple[Tensor, Tensor]:
        assert batch.source is not None
        lengths_B = batch.source_lengths
        assert lengths_B is not None
        mask_BN1 = length_mask(lengths_B, batch.source.shape[1])[:, :, None]
        x_BND = self.convolutions(self.embedding(batch.source) * mask_BN1, mask_BN1)
        packed = pack_padded_sequence(
            x_BND, lengths_B.clamp(min=1).cpu(), batch_first=True, enforce_sorted=False
        )
        states_BND, _ = pad_packed_sequence(
            self.lstm(packed)[0], batch_first=True, total_length=x_BND.shape[1]
        )
        return self.speaker(states_BND, batch) * mask_BN1, lengths_B

    def _mended(self, frames_BTM: Tensor, mask_BT1: Tensor) -> Tensor:
        given: Tensor = (frames_BTM + self.postnet(frames_BTM, mask_BT1)) * mask_BT1
        return given

    def _stop(self, stop_BT: Tensor, frames_B: Tensor) -> Tensor:
        """Cross entropy of the end, which is at the last frame alone."""
        mask_BT = length_mask(frames_B, stop_BT.shape[1])
        last_BT = mask_BT & ~length_mask(frames_B - 1, stop_BT.shape[1])
        weight = torch.tensor(self.positive, device=stop_BT.device)
        each_BT = functional.binary_cross_entropy_with_logits(
            stop_BT, last_BT.to(stop_BT.dtype), pos_weight=weight, reduction="none"
        )
        return each_BT.masked_fill(~mask_BT, 0.0).sum() / frames_B.sum()

    def _guided(self, weights_BTN: Tensor, tokens_B: Tensor, frames_B: Tensor) -> Tensor:
        """The mean over tokens and frames of weight times distance from the diagonal."""
        frames, tokens = weights_BTN.shape[1:]
        penalty = guide(tokens_B, frames_B, size=(frames, tokens), width=self.width)
        each_B = (weights_BTN * penalty).sum((1, 2)) / tokens_B.clamp(min=1)
        return each_B.sum() / frames_B.sum()


class _Stack(nn.Module):
    """Convolutions, each with batch normalisation, an activation (tanh, none at the end, or ReLU) and
    dropout.
    """

    def __init__(self, widths: Sequence[int], *, kernel: int, rate: float, tanh: bool = False) -> None:
        super().__init__()
        pairs = list(pairwise(widths))
        self.layers = nn.ModuleList(MaskedConvolution(a, b, kernel=kernel) for a, b in pairs)
        self.norms = nn.ModuleList(MaskedBatchNorm(b) for _, b in pairs)
        self.dropout, self.tanh = Dropout(rate), tanh

    def forward(self, x_BTD: Tensor, mask_BT1: Tensor) -> Tensor:
        last = len(self.layers) - 1
        for number, (layer, norm) in enumerate(zip(self.layers, self.norms, strict=True)):
            x_BTD = norm(layer(x_BTD, mask_BT1), mask_BT1)
            if not self.tanh:
                x_BTD = torch.relu(x_BTD)
            elif number < last:
                x_BTD = torch.tanh(x_BTD)
            x_BTD = self.dropout(x_BTD)
        return x_BTD


class _Written(NamedTuple):
    frames_BTM: Tensor
    stop_BT: Tensor
    """Logits of the end."""
    weights_BTN: Tensor


class _State(NamedTuple):
    attention: tuple[Tensor, Tensor]
    decoder: tuple[Tensor, Tensor]
    context_BD: Tensor
    looked_B2N: Tensor


class _Decoder(nn.Module):
    """Attention, two LSTM cells, and what is written from them."""

    def __init__(self, config: Tacotron2Config, *, bins: int) -> None:
        super().__init__()
        dim, self.bins = config.dim, bins
        self.prenet = nn.ModuleList(
            linear(width, config.prenet_dim, bias=False) for width in (bins, config.prenet_dim)
        )
        self.prenet_rate, self.rate = config.prenet_dropout, config.rnn_dropout
        self.attention_cell = nn.LSTMCell(config.prenet_dim + dim, config.attention_rnn_dim)
        self.attention = LocationAttention(
            config.attention_rnn_dim, dim, dim=config.attention_dim,
            filters=config.location_filters, kernel=config.location_kernel,
        )  # fmt: skip
        self.decoder_cell = nn.LSTMCell(config.attention_rnn_dim + dim, config.decoder_rnn_dim)
        self.projection = linear(config.decoder_rnn_dim + dim, bins)
        self.stop = linear(config.decoder_rnn_dim + dim, 1)

    def forced(self, memory_BND: Tensor, tokens_B: Tensor, target_BTM: Tensor) -> _Written:
        """Each frame from the true one before it; the first from zeros."""
        before_BTM = functional.pad(target_BTM, (0, 0, 1, 0))[:, :-1]
        entries_BTP = before_BTM
        for layer in self.prenet:
            entries_BTP = dropout(torch.relu(layer(entries_BTP)), self.prenet_rate)
        keys_BNA, mask_BN = (
            self.attention.memory(memory_BND),
            length_mask(tokens_B.clamp(min=1), memory_BND.shape[1]),
        )
        state, hidden, weights = self._start(memory_BND), [], []
        for t in range(target_BTM.shape[1]):
            hidden_BH, state = self._step(entries_BTP[:, t], state, memory_BND, keys_BNA, mask_BN)
            hidden.append(hidden_BH)
            weights.append(state.looked_B2N[:, 0])
        hidden_BTH = torch.stack(hidden, 1)
        return _Written(
            self.projection(hidden_BTH), self.stop(hidden_BTH).squeeze(-1), torch.stack(weights, 1)
        )

    def free(
        self, memory_BND: Tensor, tokens_B: Tensor, *, most: int, threshold: float
    ) -> tuple[Tensor, Tensor]:
        """``[B, T, M]`` and ``[B]`` lengths; the step that stops is the last one that counts."""
        keys_BNA, mask_BN = (
            self.attention.memory(memory_BND),
            length_mask(tokens_B.clamp(min=1), memory_BND.shape[1]),
        )
        generator = torch.Generator().manual_seed(0)
        state, frames = self._start(memory_BND), []
        frame_BM = memory_BND.new_zeros(len(memory_BND), self.bins)
        lengths_B = torch.full((len(memory_BND),), most, device=memory_BND.device)
        for t in range(most):
            entry_BP = self._entered(frame_BM, generator)
            hidden_BH, state = self._step(entry_BP, state, memory_BND, keys_BNA, mask_BN)
            frame_BM = self.projection(hidden_BH)
            frames.append(frame_BM)
            stops_B = self.stop(hidden_BH).squeeze(-1).sigmoid() > threshold
            lengths_B = torch.where(stops_B, lengths_B.clamp(max=t + 1), lengths_B)
            if bool((lengths_B <= t + 1).all()):
                break
        return torch.stack(frames, 1), lengths_B

    def _entered(self, x: Tensor, generator: torch.Generator) -> Tensor:
        """The prenet with zeros that all examples share."""
        for layer in self.prenet:
            x = torch.relu(layer(x))
            kept = torch.rand(x.shape[1], generator=generator) >= self.prenet_rate
            x = x * kept.to(x.device) / (1 - self.prenet_rate)
        return x

    def _start(self, memory_BND: Tensor) -> _State:
        batch, tokens, dim = memory_BND.shape
        zeros = [memory_BND.new_zeros(batch, c.hidden_size) for c in (self.attention_cell, self.decoder_cell)]
        looked = memory_BND.new_zeros(batch, 2, tokens)
        return _State((zeros[0], zeros[0]), (zeros[1], zeros[1]), memory_BND.new_zeros(batch, dim), looked)

    def _step(
        self, entry_BP: Tensor, state: _State, memory_BND: Tensor, keys_BNA: Tensor, mask_BN: Tensor
    ) -> tuple[Tensor, _State]:
        """One frame: what is written from, and the state after it."""
        asked, cell = self.attention_cell(torch.cat([entry_BP, state.context_BD], -1), state.attention)
        asked = self._dropped(asked)
        weights_BN = self.attention(asked, keys_BNA, state.looked_B2N, mask_BN)
        context_BD = torch.bmm(weights_BN[:, None], memory_BND)[:, 0]
        looked = torch.stack([weights_BN, state.looked_B2N[:, 1] + weights_BN], 1)
        wrote, wrote_cell = self.decoder_cell(torch.cat([asked, context_BD], -1), state.decoder)
        wrote = self._dropped(wrote)
        after = _State((asked, cell), (wrote, wrote_cell), context_BD, looked)
        return torch.cat([wrote, context_BD], -1), after

    def _dropped(self, x: Tensor) -> Tensor:
        return dropout(x, self.rate) if self.training else x


def _lengths(batch: Batch) -> Tensor:
    assert batch.target_lengths is not None
    return batch.target_lengths
