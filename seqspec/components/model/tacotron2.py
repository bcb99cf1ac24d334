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
from seqspec.components._layers.exported_lstm import exported_lstm
from seqspec.components._layers.init import linear
from seqspec.components._layers.location_attention import LocationAttention, guide
from seqspec.components._layers.masked_batch_norm import MaskedBatchNorm
from seqspec.components._layers.masked_convolution import MaskedConvolution
from seqspec.components._layers.masks import length_mask
from seqspec.components._layers.speaker import Speaker
from seqspec.components.graphs import Axes, Function, Graph, source_arguments
from seqspec.components.model.text_to_frames import frames_predicted, frames_predicted_of
from seqspec.components.outputs import Compared, Only, Output, terms, wanted
from seqspec.components.predictions import FramesPrediction
from seqspec.data.batching.batch import Batch
from seqspec.schema.model.tacotron2 import Tacotron2Config
from seqspec.schema.types import Frames, Type

EXAMPLE_FRAMES = 5
"""Frames of the shortest example of the postnet."""


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
            given = self._refined(written.frames_BTM * mask_BT1, mask_BT1)
            found["frames"] = Compared(given, batch.target, frames_B)
        means = {
            "stop": self._stop(written.stop_BT, frames_B),
            "guided_attention": self._guided(written.weights_BTN, tokens_B, frames_B),
        }
        return found | dict(terms(means, frames_B.sum(), only))

    @torch.no_grad()
    def decode(self, batch: Batch, search: None = None) -> list[list[FramesPrediction]]:
        """One answer an example: until it stops by itself, or after ``max_frames``."""
        assert batch.source is not None
        tokens_B = batch.source_lengths
        assert tokens_B is not None
        read = self.encode(batch.source, tokens_B, self.speaker.speakers(batch))
        frames_BTM, lengths_B = self._free(*read, tokens_B)
        (frames_BTM,) = self.refine(frames_BTM, lengths_B)
        return frames_predicted(frames_BTM, lengths_B.tolist(), rate=self.rate, vocoder=self.vocoder)

    def encode(
        self, source_BN: Tensor, tokens_B: Tensor, speaker_B: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """``[B, N, D]`` states of the tokens, and ``[B, N, A]`` keys that the attention compares with."""
        memory_BND = self._read_ids(source_BN, tokens_B, speaker_B)
        return memory_BND, self.decoder.attention.memory(memory_BND)

    def step(
        self, frame_BM: Tensor, kept_2P: Tensor, memory_BND: Tensor, keys_BNA: Tensor, tokens_B: Tensor,
        *state: Tensor,
    ) -> tuple[Tensor, ...]:  # fmt: skip
        """The next frame ``[B, M]``, the probability ``[B]`` that it is the last, and the state's tensors."""
        mask_BN = length_mask(tokens_B.clamp(min=1), memory_BND.shape[1])
        entry_BP = self.decoder.entered(frame_BM, kept_2P)
        hidden_BH, after = self.decoder.step(entry_BP, _State.of(state), memory_BND, keys_BNA, mask_BN)
        stop_B = self.decoder.stop(hidden_BH).squeeze(-1).sigmoid()
        return (self.decoder.projection(hidden_BH), stop_B, *after.tensors())

    def refine(self, frames_BTM: Tensor, lengths_B: Tensor) -> tuple[Tensor]:
        """``[B, T, M]``: what the postnet makes of all frames, zero beyond each length."""
        mask_BT1 = length_mask(lengths_B, frames_BTM.shape[1])[:, :, None]
        return (self._refined(frames_BTM * mask_BT1, mask_BT1),)

    @torch.no_grad()
    def graphs(self, batch: Batch) -> tuple[Graph, ...]:
        """``encode`` once, ``step`` a frame at a time, and ``fix`` all frames at the end."""
        given, inputs = source_arguments(batch)
        speaker_B = self.speaker.speakers(batch)
        if speaker_B is not None:
            given["speaker"], inputs["speaker"] = speaker_B, ("batch",)
        read = dict(zip(("memory", "keys"), self.encode(*given.values()), strict=True))
        return (
            Graph("encode", Function(self, self.encode), given, inputs, _READ_AXES,
                  "What the decoder looks at, worked out once a text."),
            self._step_graph(read, given["lengths"]),
            self._refine_graph(len(batch.index), like=read["memory"]),
        )  # fmt: skip

    def _step_graph(self, read: Mapping[str, Tensor], tokens_B: Tensor) -> Graph:
        state = self.decoder.start(read["memory"])
        frame_BM = read["memory"].new_zeros(len(tokens_B), self.bins)
        kept_2P = self.decoder.kept(torch.Generator().manual_seed(0)).to(frame_BM)
        begun = self.step(frame_BM, kept_2P, *read.values(), tokens_B, *state.tensors())
        moved = dict(zip(_STATE_AXES, begun[2:], strict=True))
        given = {"frame": begun[0], "kept": kept_2P, **read, "lengths": tokens_B, **moved}
        inputs: dict[str, Axes] = {
            "frame": ("batch", None), "kept": (None, None), **_READ_AXES, "lengths": ("batch",), **_STATE_AXES
        }  # fmt: skip
        after: dict[str, Axes] = {f"next_{name}": axes for name, axes in _STATE_AXES.items()}
        outputs: dict[str, Axes] = {"next_frame": ("batch", None), "stop": ("batch",), **after}
        note = (
            "The frame after `frame`, and the probability that it is the last; all states begin as zeros."
            " `kept` is drawn anew for each step: 0 with probability"
            f" {self.decoder.prenet_rate:g}, else 1."
        )
        return Graph("step", Function(self, self.step), given, inputs, outputs, note)

    def _refine_graph(self, count: int, *, like: Tensor) -> Graph:
        lengths_B = torch.arange(count, device=like.device) + EXAMPLE_FRAMES
        frames_BTM = torch.linspace(-1, 1, count * int(lengths_B.max()) * self.bins).to(like)
        given = {"frames": frames_BTM.view(count, -1, self.bins), "lengths": lengths_B}
        axes: Axes = ("batch", "frames", None)
        inputs: dict[str, Axes] = {"frames": axes, "lengths": ("batch",)}
        outputs: dict[str, Axes] = {"refined": axes}
        note = "The frames of whole recordings as the postnet refines them."
        return Graph("refine", Function(self, self.refine), given, inputs, outputs, note)

    def _free(self, memory_BND: Tensor, keys_BNA: Tensor, tokens_B: Tensor) -> tuple[Tensor, Tensor]:
        """``[B, T, M]`` and ``[B]`` lengths; the step that stops is the last one that counts."""
        generator = torch.Generator().manual_seed(0)
        state: Sequence[Tensor] = self.decoder.start(memory_BND).tensors()
        frames = []
        frame_BM = memory_BND.new_zeros(len(memory_BND), self.bins)
        lengths_B = torch.full((len(memory_BND),), self.most, device=memory_BND.device)
        for t in range(self.most):
            kept_2P = self.decoder.kept(generator).to(frame_BM)
            frame_BM, stop_B, *state = self.step(frame_BM, kept_2P, memory_BND, keys_BNA, tokens_B, *state)
            frames.append(frame_BM)
            lengths_B = torch.where(stop_B > self.threshold, lengths_B.clamp(max=t + 1), lengths_B)
            if bool((lengths_B <= t + 1).all()):
                break
        return torch.stack(frames, 1), lengths_B

    def references(self, batch: Batch) -> Sequence[FramesPrediction | None]:
        """The target's frames."""
        return frames_predicted_of(batch, rate=self.rate, vocoder=self.vocoder)

    def attention(self, batch: Batch) -> Tensor:
        """``[B, T, N]``: where each true frame looked."""
        memory_BND, tokens_B = self._read(batch)
        return self.decoder.forced(memory_BND, tokens_B, batch.target).weights_BTN

    def _read(self, batch: Batch) -> tuple[Tensor, Tensor]:
        assert batch.source is not None
        assert batch.source_lengths is not None
        speaker_B = self.speaker.speakers(batch)
        return self._read_ids(batch.source, batch.source_lengths, speaker_B), batch.source_lengths

    def _read_ids(self, source_BN: Tensor, lengths_B: Tensor, speaker_B: Tensor | None) -> Tensor:
        mask_BN1 = length_mask(lengths_B, source_BN.shape[1])[:, :, None]
        x_BND = self.convolutions(self.embedding(source_BN) * mask_BN1, mask_BN1)
        states_BND = self._recurrent(x_BND, lengths_B)
        return self.speaker.added(states_BND, speaker_B) * mask_BN1

    def _recurrent(self, x_BND: Tensor, lengths_B: Tensor) -> Tensor:
        if torch.compiler.is_exporting():
            named = dict(self.lstm.named_parameters())
            taken, kept, *biases = (
                torch.stack([named[f"{name}_l0{way}"] for way in ("", "_reverse")])
                for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
            )
            return exported_lstm(
                x_BND,
                lengths_B,
                input_DGI=taken,
                state_DGH=kept,
                bias_DG=biases[0] + biases[1],
                cell_cap=None,
            )
        packed = pack_padded_sequence(
            x_BND, lengths_B.clamp(min=1).cpu(), batch_first=True, enforce_sorted=False
        )
        states_BND, _ = pad_packed_sequence(
            self.lstm(packed)[0], batch_first=True, total_length=x_BND.shape[1]
        )
        return states_BND

    def _refined(self, frames_BTM: Tensor, mask_BT1: Tensor) -> Tensor:
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

    @classmethod
    def of(cls, tensors: Sequence[Tensor]) -> _State:
        a, b, c, d, context_BD, looked_B2N = tensors
        return cls((a, b), (c, d), context_BD, looked_B2N)

    def tensors(self) -> tuple[Tensor, ...]:
        return (*self.attention, *self.decoder, self.context_BD, self.looked_B2N)


_READ_AXES: dict[str, Axes] = {"memory": ("batch", "length", None), "keys": ("batch", "length", None)}
_STATE_AXES: dict[str, Axes] = {
    "attention_hidden": ("batch", None), "attention_cell": ("batch", None),
    "decoder_hidden": ("batch", None), "decoder_cell": ("batch", None),
    "context": ("batch", None), "looked": ("batch", None, "length"),
}  # fmt: skip


class _Decoder(nn.Module):
    """Attention, two LSTM cells, and what is written from them."""

    def __init__(self, config: Tacotron2Config, *, bins: int) -> None:
        super().__init__()
        dim, self.bins = config.dim, bins
        self.prenet = nn.ModuleList(
            linear(width, config.prenet_dim, bias=False) for width in (bins, config.prenet_dim)
        )
        self.prenet_dim = config.prenet_dim
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
        state, hidden, weights = self.start(memory_BND), [], []
        for t in range(target_BTM.shape[1]):
            hidden_BH, state = self.step(entries_BTP[:, t], state, memory_BND, keys_BNA, mask_BN)
            hidden.append(hidden_BH)
            weights.append(state.looked_B2N[:, 0])
        hidden_BTH = torch.stack(hidden, 1)
        return _Written(
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

    def start(self, memory_BND: Tensor) -> _State:
        batch, tokens, dim = memory_BND.shape
        zeros = [memory_BND.new_zeros(batch, c.hidden_size) for c in (self.attention_cell, self.decoder_cell)]
        looked = memory_BND.new_zeros(batch, 2, tokens)
        return _State((zeros[0], zeros[0]), (zeros[1], zeros[1]), memory_BND.new_zeros(batch, dim), looked)

    def step(
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
