"""Tacotron 2.  Differs from NVIDIA's code in that padding counts nowhere: losses, batch normalisation and the
encoder's LSTM see real positions alone, and a batch is decoded as its examples are one by one.
"""

# B batch, N tokens, T frames, D width of a token, M features of a frame, P width of the prenet,
# A width of keys

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from seqspec.components._layers.convolution_stack import ConvolutionStack
from seqspec.components._layers.exported_lstm import exported_lstm
from seqspec.components._layers.frame_decoder import FrameDecoder, FrameState
from seqspec.components._layers.location_attention import LocationAttention, guide
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
        self.convolutions = ConvolutionStack(widths, kernel=config.kernel, rate=config.dropout)
        self.lstm = nn.LSTM(config.dim, config.dim // 2, batch_first=True, bidirectional=True)
        self.speaker = Speaker(takes.get("speaker"), dim=config.dim)
        self.decoder = FrameDecoder(
            target.dim, memory_dim=config.dim, prenet_dim=config.prenet_dim,
            prenet_dropout=config.prenet_dropout, attention_rnn_dim=config.attention_rnn_dim,
            decoder_rnn_dim=config.decoder_rnn_dim, rnn_dropout=config.rnn_dropout,
            attention=partial(
                LocationAttention, dim=config.attention_dim, filters=config.location_filters,
                kernel=config.location_kernel,
            ),
        )  # fmt: skip
        layers = config.num_postnet_layers
        widths = [target.dim, *[config.postnet_dim] * (layers - 1), target.dim]
        self.postnet = ConvolutionStack(widths, kernel=config.kernel, rate=config.dropout, tanh=True)
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
        hidden_BH, after = self.decoder.step(entry_BP, FrameState.of(state), memory_BND, keys_BNA, mask_BN)
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
            "The frame after `frame`, and the probability that it is the last: above"
            f" {self.threshold:g} a recording ends, or after {self.most:,} frames; `frame` and all states"
            " begin as zeros. `kept` is drawn anew for each step: 0 with probability"
            f" {self.decoder.prenet_rate:g}, else 1 (the run draws `torch.rand` of a generator with seed 0,"
            " the last 24 bits of each number of numpy's `RandomState(0)`)."
        )
        constants = {
            "stop_threshold": self.threshold, "max_frames": self.most, "dropout": self.decoder.prenet_rate
        }  # fmt: skip
        return Graph("step", Function(self, self.step), given, inputs, outputs, note, constants)

    def _refine_graph(self, count: int, *, like: Tensor) -> Graph:
        lengths_B = torch.arange(count, device=like.device) + EXAMPLE_FRAMES
        frames_BTM = torch.linspace(-1, 1, count * int(lengths_B.max()) * self.bins).to(like)
        given = {"frames": frames_BTM.view(count, -1, self.bins), "lengths": lengths_B}
        axes: Axes = ("batch", "frames", None)
        inputs: dict[str, Axes] = {"frames": axes, "lengths": ("batch",)}
        outputs: dict[str, Axes] = {"refined": axes}
        note = (
            "The frames of whole recordings as the postnet refines them. `preprocessing.json` says of"
            " `target` what frames they are; a vocoder makes sound of them, which is no part of this export."
        )
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


_READ_AXES: dict[str, Axes] = {"memory": ("batch", "length", None), "keys": ("batch", "length", None)}
_STATE_AXES: dict[str, Axes] = {
    "attention_hidden": ("batch", None), "attention_cell": ("batch", None),
    "decoder_hidden": ("batch", None), "decoder_cell": ("batch", None),
    "context": ("batch", None), "looked": ("batch", None, "length"),
}  # fmt: skip


def _lengths(batch: Batch) -> Tensor:
    assert batch.target_lengths is not None
    return batch.target_lengths
