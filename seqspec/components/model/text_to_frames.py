"""Speech synthesis without recurrence: FastSpeech 2 and FastPitch."""

# B batch, N tokens, T frames, D width, M features of a frame

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from seqspec.components._layers.init import linear
from seqspec.components._layers.masked_convolution import MaskedConvolution
from seqspec.components._layers.masks import length_mask
from seqspec.components._layers.monotonic_alignment import averaged, expanded
from seqspec.components._layers.speaker import Speaker
from seqspec.components._layers.transformer_layer import suit_positions
from seqspec.components.graphs import Axes, Function, Graph, source_arguments
from seqspec.components.outputs import Compared, Only, Output, terms, wanted
from seqspec.components.predictions import FramesPrediction
from seqspec.data.batching.batch import Batch, Field
from seqspec.schema.config import stated_width
from seqspec.schema.diagnostic import DataError
from seqspec.schema.model.text_to_frames import TextToFramesConfig
from seqspec.schema.types import Frames, Type


class TextToFrames(nn.Module):
    """Trained on true durations, pitch and energy; synthesis goes by the predicted ones."""

    def __init__(
        self, config: TextToFramesConfig, takes: Mapping[str, Type], parts: Callable[[str], Any]
    ) -> None:
        super().__init__()
        target = takes["target"]
        assert isinstance(target, Frames)
        self.rate, self.most = float(target.rate), config.max_token_frames
        self.embedding, self.encoder = parts("embedding"), parts("encoder")
        suit_positions(self.encoder, self.embedding)
        self.aligner, self.duration = parts("aligner"), parts("duration")
        dim = stated_width(config.encoder)
        self.speaker = Speaker(takes.get("speaker"), dim=dim)
        self.predictors = nn.ModuleDict()
        self.entries = nn.ModuleDict()
        for name in ("pitch", "energy"):
            predictor = parts(name)
            if predictor is not None:
                self.predictors[name] = predictor
                self.entries[name] = MaskedConvolution(1, dim, kernel=config.variance_kernel)
        self.decoder = parts("decoder")
        self.projection = linear(stated_width(config.decoder), target.dim)
        self.vocoder = parts("vocoder")

    def outputs(self, batch: Batch, *, only: Only = None) -> dict[str, Output]:
        """``frames``, and what is learned of each token: ``duration``, ``pitch``, ``energy``."""
        read = self._read(batch)
        durations_BN, means = self._durations(batch, read)
        truth = self._truth(batch, durations_BN)
        states_BND, predicted = self._varied(read, truth)
        found: dict[str, Output] = {}
        if wanted("frames", only):
            frames_BTM = self._written(states_BND, durations_BN, batch.target.shape[1])
            found["frames"] = Compared(frames_BTM, batch.target, _lengths(batch))
        predicted["duration"], truth["duration"] = read.duration_BN, (durations_BN + 1.0).log()
        for name in predicted:
            if wanted(name, only):
                found[name] = Compared(predicted[name], truth[name], read.lengths_B)
        return found | dict(terms(means, _lengths(batch).sum(), only))

    @torch.no_grad()
    def decode(self, batch: Batch, search: None = None) -> list[list[FramesPrediction]]:
        """One prediction an example, at the predicted durations, pitch and energy."""
        assert batch.source is not None
        states_BND, durations_BN = self.tokens(
            batch.source, batch.source_lengths, self.speaker.speakers(batch)
        )
        lengths = durations_BN.sum(1).tolist()
        (frames_BTM,) = self.frames(
            states_BND, durations_BN, torch.arange(max(lengths)).to(states_BND.device)
        )
        return frames_predicted(frames_BTM, lengths, rate=self.rate, vocoder=self.vocoder)

    def tokens(
        self, source_BN: Tensor, lengths_B: Tensor | None, speaker_B: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """``[B, N, D]`` states of the tokens with pitch and energy, as predicted, and ``[B, N]`` whole
        numbers of frames.
        """
        read = self._read_ids(source_BN, lengths_B, speaker_B)
        return self._varied(read, {})[0], self._spoken(read)

    def frames(self, states_BND: Tensor, durations_BN: Tensor, places_T: Tensor) -> tuple[Tensor]:
        """``[B, T, M]`` frames at the places 0 … T - 1, zero beyond each recording."""
        return (self._written(states_BND, durations_BN, places_T.shape[0]),)

    @torch.no_grad()
    def graphs(self, batch: Batch) -> tuple[Graph, ...]:
        """``tokens``, how long and how each is spoken; then ``frames``."""
        given, inputs = source_arguments(batch)
        speaker_B = self.speaker.speakers(batch)
        if speaker_B is not None:
            given["speaker"], inputs["speaker"] = speaker_B, ("batch",)
        states_BND, durations_BN = self.tokens(given["source"], given["lengths"], speaker_B)
        longest = max(int(durations_BN.sum(1).max()), 2)  # A size of 1 would be taken for a constant.
        places_T = torch.arange(longest, device=durations_BN.device)
        axes: dict[str, Axes] = {"states": ("batch", "length", None), "durations": ("batch", "length")}
        read = {"states": states_BND, "durations": durations_BN, "places": places_T}
        note = "A state for each token, and the frames that it lasts; their sum is the answer's length."
        return (
            Graph("tokens", Function(self, self.tokens), given, inputs, axes, note),
            Graph("frames", Function(self, self.frames), read, {**axes, "places": ("frames",)},
                  {"frames": ("batch", "frames", None)},
                  "Frames; `places` counts from 0 to the length of the longest answer."),
        )  # fmt: skip

    def references(self, batch: Batch) -> Sequence[FramesPrediction | None]:
        """The target's frames."""
        return frames_predicted_of(batch, rate=self.rate, vocoder=self.vocoder)

    def attention(self, batch: Batch) -> Tensor | None:
        """``[B, T, N]``: how the frames lie on the tokens, where that is learned."""
        if self.aligner is None:
            return None
        read = self._read(batch)
        soft_BTN: Tensor = self.aligner(
            read.tokens_BND, read.lengths_B, batch.target, _lengths(batch)
        ).soft_BTN
        return soft_BTN

    def _read(self, batch: Batch) -> _Read:
        assert batch.source is not None
        return self._read_ids(batch.source, batch.source_lengths, self.speaker.speakers(batch))

    def _read_ids(self, source_BN: Tensor, lengths_B: Tensor | None, speaker_B: Tensor | None) -> _Read:
        assert lengths_B is not None
        mask_BN1 = length_mask(lengths_B, source_BN.shape[1])[:, :, None]
        tokens_BND = self.embedding(source_BN) * mask_BN1
        states_BND, _ = self.encoder(self.speaker.added(tokens_BND, speaker_B), lengths_B)
        states_BND = states_BND * mask_BN1
        return _Read(tokens_BND, states_BND, mask_BN1, lengths_B, self.duration(states_BND, mask_BN1))

    def _durations(self, batch: Batch, read: _Read) -> tuple[Tensor, dict[str, Tensor]]:
        """True durations, and what the aligner learns from; those of the corpus must fit."""
        if self.aligner is None:
            return _given(batch, read.lengths_B), {}
        alignment = self.aligner(read.tokens_BND, read.lengths_B, batch.target, _lengths(batch))
        return alignment.durations_BN, {f"aligner.{name}": mean for name, mean in alignment.means.items()}

    def _truth(self, batch: Batch, durations_BN: Tensor) -> dict[str, Tensor]:
        """A number a token of what is modelled."""
        found = {}
        for name in self.predictors:
            if name in batch.fields:
                found[name] = _by_token(batch, name, durations_BN)
            else:
                found[name] = (averaged(batch.target.norm(dim=-1), durations_BN) + 1).log()
        return found

    def _varied(self, read: _Read, truth: Mapping[str, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
        """States with pitch and energy in them: the true ones where they are known, else as predicted."""
        states_BND, predicted = read.states_BND, {}
        for name, predictor in self.predictors.items():
            predicted[name] = predictor(states_BND, read.mask_BN1)
            number_BN1 = truth.get(name, predicted[name])[:, :, None]
            states_BND = states_BND + self.entries[name](number_BN1, read.mask_BN1) * read.mask_BN1
        return states_BND, predicted

    def _written(self, states_BND: Tensor, durations_BN: Tensor, size: int) -> Tensor:
        """``[B, size, M]`` frames, zero beyond each recording."""
        lengths_B = durations_BN.sum(1)
        hidden_BTD, _ = self.decoder(expanded(states_BND, durations_BN, size), lengths_B)
        frames_BTM: Tensor = self.projection(hidden_BTD) * length_mask(lengths_B, size)[:, :, None]
        return frames_BTM

    def _spoken(self, read: _Read) -> Tensor:
        """``[B, N]`` whole durations; an answer has one frame at least."""
        durations_BN = (read.duration_BN.exp() - 1).clamp(0, self.most).round().long()
        durations_BN = durations_BN * read.mask_BN1.squeeze(2)
        first_BN = torch.arange(durations_BN.shape[1], device=durations_BN.device)[None] == 0
        return durations_BN + (first_BN & (durations_BN.sum(1, keepdim=True) == 0))


class _Read(NamedTuple):
    """What is known of the tokens."""

    tokens_BND: Tensor
    states_BND: Tensor
    mask_BN1: Tensor
    lengths_B: Tensor
    duration_BN: Tensor
    """Predicted log(1 + frames)."""


def frames_predicted(
    frames_BTM: Tensor, lengths: Sequence[int], *, rate: float, vocoder: Any
) -> list[list[FramesPrediction]]:
    """A prediction an example; the vocoder waits until somebody listens."""
    cut = [x[:length].float().cpu() for x, length in zip(frames_BTM, lengths, strict=True)]
    listened = [None if vocoder is None else partial(vocoder.sound, x) for x in cut]
    return [[FramesPrediction(x.numpy(), rate, sound)] for x, sound in zip(cut, listened, strict=True)]


def frames_predicted_of(batch: Batch, *, rate: float, vocoder: Any) -> list[FramesPrediction | None]:
    """The true frames of a batch, heard through the same vocoder; ``None`` where it has none."""
    lengths_B = batch.target_lengths
    if lengths_B is None or batch.target.dim() != 3:
        return [None] * len(batch.index)
    found = frames_predicted(batch.target, lengths_B.tolist(), rate=rate, vocoder=vocoder)
    return [one for (one,) in found]


def _lengths(batch: Batch) -> Tensor:
    assert batch.target_lengths is not None
    return batch.target_lengths


def _given(batch: Batch, lengths_B: Tensor) -> Tensor:
    """The durations of the corpus: one a token, and together the target's frames.  Raises ``DataError``."""
    field = batch.fields["durations"]
    assert field.lengths is not None
    rows = zip(
        batch.index.tolist(), field.lengths.tolist(), lengths_B.tolist(),
        field.values.sum(1).tolist(), _lengths(batch).tolist(), strict=True,
    )  # fmt: skip
    for row, durations, tokens, total, frames in rows:
        _require(row, durations == tokens, f"{durations} durations, and its text {tokens} tokens")
        _require(row, total == frames, f"durations that sum to {total}, and its target {frames} frames")
    assert batch.source is not None
    return _as_wide(field.values, batch.source.shape[1])


def _as_wide(x_BN: Tensor, size: int) -> Tensor:
    """Padded as the tokens are, or cut as far as they are."""
    return functional.pad(x_BN, (0, size - x_BN.shape[1]))


def _require(row: int, holds: bool, held: str) -> None:
    if not holds:
        raise DataError(
            f"example {row} has {held}",
            help="`durations` has a whole number for each token, and they sum to the frames of the target",
        )


def _by_token(batch: Batch, name: str, durations_BN: Tensor) -> Tensor:
    """A field as a number a token: as it is, or the mean over a token's frames that are not 0."""
    field: Field = batch.fields[name]
    assert field.lengths is not None
    if field.values.dim() == 2:
        assert batch.source_lengths is not None
        pairs = zip(batch.index.tolist(), field.lengths.tolist(), batch.source_lengths.tolist(), strict=True)
        for row, numbers, tokens in pairs:
            _require_equal(row, name, numbers, tokens, "its text {:,} tokens")
        assert batch.source is not None
        return _as_wide(field.values, batch.source.shape[1])
    pairs = zip(batch.index.tolist(), field.lengths.tolist(), _lengths(batch).tolist(), strict=True)
    for row, numbers, frames in pairs:
        _require_equal(row, name, numbers, frames, "its target {:,} frames")
    x_BT = field.values.squeeze(-1)
    return averaged(x_BT, durations_BN, counted_BT=x_BT != 0)


def _require_equal(row: int, name: str, given: int, wanted: int, told: str) -> None:
    if given != wanted:
        message = f"example {row} has {given:,} numbers of `{name}`, and {told.format(wanted)}"
        raise DataError(message, help=f"`{name}` has one number for each")
