"""When each word of a recording is spoken: the best CTC alignment of a hypothesis, or of a transcript."""

# S states, V vocabulary

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from seqspec.components._layers.ctc_alignment import best_alignment
from seqspec.components.predictions import TextPrediction, TimedWord
from seqspec.data.batching.batch import Batch, Field
from seqspec.data.text.word_spans import word_spans
from seqspec.runtime.assembly.assembled import Reopened
from seqspec.runtime.prediction.input import Input
from seqspec.runtime.prediction.predictor import Prediction, Predictor
from seqspec.schema.diagnostic import DataError, Exit, RunError
from seqspec.schema.languages import UNSPACED, primary
from seqspec.schema.types import Logits, Text, Waveform


@dataclass(frozen=True)
class Timing:
    """Times by the CTC output of a run's model."""

    model: Any
    output: str
    """Name of the CTC output."""
    state_seconds: float
    """Seconds of one state."""
    steps: Any
    """Text steps of the target."""
    spaced: bool
    """Whether words stand between spaces."""

    @classmethod
    def of(cls, run: Reopened) -> Timing:
        """Raises ``RunError`` where the run has no CTC output over recordings."""
        plan, parts = run.program.plan, run.parts
        found = next(
            (
                (name, type_)
                for name, type_ in plan.outputs.items()
                if isinstance(type_, Logits) and type_.blank
            ),
            None,
        )
        steps = parts.text.get("target")
        if found is None or steps is None or not isinstance(parts.roles.get("source"), Waveform):
            raise RunError(
                "times of words come from the CTC scores of a recording, and this run has none",
                exit=Exit.USAGE,
                help="train model `ctc`, or an `encoder_decoder` with an output "
                "`ctc: {type: linear, on: encoder}`",
            )
        target = parts.roles["target"]
        assert isinstance(target, Text)
        segmented = getattr(steps, "segmenter", None) is not None
        spaced = segmented or primary(target.language) not in UNSPACED
        seconds = float(found[1].stride / parts.frames_type("source").rate)
        return cls(run.program.model, found[0], seconds, steps, spaced)

    def log_probs(self, batch: Batch) -> list[Tensor]:
        """``[S, V]`` of each example."""
        given = self.model.outputs(batch, only=frozenset({self.output}))[self.output]
        log_probs_BSV = given.logits.float().log_softmax(-1)
        return [one[:length] for one, length in zip(log_probs_BSV, given.lengths.tolist(), strict=True)]

    def words(self, log_probs_SV: Tensor, ids: Sequence[int]) -> tuple[TimedWord, ...] | None:
        """Words with their times; ``None`` where the recording is too short for them."""
        aligned = best_alignment(log_probs_SV, torch.tensor(list(ids), dtype=torch.int64))
        if aligned is None:
            return None
        found = []
        for word, first, end in word_spans(list(ids), self.steps.tokenizer.decode, spaced=self.spaced):
            held = aligned[first:end]
            states = sum(one.end - one.first for one in held)
            score = sum(one.log_prob * (one.end - one.first) for one in held) / states
            start, stop = held[0].first * self.state_seconds, held[-1].end * self.state_seconds
            found.append(TimedWord(word, round(start, 3), round(stop, 3), score))
        return tuple(found)


def with_times(timing: Timing, batch: Batch, found: Sequence[Sequence[Any]], ids: Any) -> list[list[Any]]:
    """Typed hypotheses ``found``, each with the times of its words; ``ids`` holds theirs."""
    timed = []
    for log_probs_SV, hypotheses, own in zip(timing.log_probs(batch), found, ids, strict=True):
        timed.append(
            [
                TextPrediction(one.text, one.score, timing.words(log_probs_SV, written))
                for one, written in zip(hypotheses, own, strict=True)
            ]
        )
    return timed


@dataclass(frozen=True)
class Aligner:
    """Given transcripts in place of a search: what is predicted is when each of their words is spoken."""

    timing: Timing
    predictor: Predictor
    transcripts: Mapping[str, str]

    def __call__(self, inputs: Iterable[Input | str]) -> Iterator[Prediction]:
        """One prediction an input, in order."""
        for one in inputs:
            assert isinstance(one, Input)
            try:
                yield Prediction(one, (self._aligned(one),))
            except DataError as error:
                yield Prediction(one, (), error)

    @torch.inference_mode()
    def _aligned(self, one: Input) -> TextPrediction:
        if one.error is not None:
            raise one.error
        text = self._transcript(one)
        ids = self.timing.steps.encode_batch([text])[0]
        batch = self.predictor.batch([0], [self.predictor.prepare(one.value)])
        target = Field(torch.tensor([ids], dtype=torch.int64), torch.tensor([len(ids)]))
        (log_probs_SV,) = self.timing.log_probs(batch.with_fields(target=target))
        words = self.timing.words(log_probs_SV, ids)
        if words is None:
            raise DataError(
                f"the transcript has {len(ids):,} symbols, and the recording {len(log_probs_SV):,} states",
                file=one.file or one.name,
                help="is it the transcript of this recording?",
            )
        mean = sum(word.score for word in words) / max(len(words), 1)
        return TextPrediction(text, mean, words)

    def _transcript(self, one: Input) -> str:
        path = Path(one.name)
        for name in (one.id, one.name, path.name, path.stem):
            if name is not None and name in self.transcripts:
                return self.transcripts[name]
        raise DataError(
            f"no line of the transcripts begins with `{path.stem}`",
            file=one.file or one.name,
            help="a line is the recording's name, a blank or tab, and what is said",
        )


def read_transcripts(path: Path) -> dict[str, str]:
    """A line a recording: its name (or id), a blank or tab, and what is said, as in Kaldi's ``text``."""
    found: dict[str, str] = {}
    try:
        if path.is_char_device() or path.is_block_device():
            raise DataError("the transcripts are a device: name a file", file=str(path))
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except OSError as error:
        raise DataError(f"the transcripts cannot be read: {error.strerror}", file=str(path)) from None
    except UnicodeDecodeError as error:
        raise DataError("the transcripts are not UTF-8", file=str(path), byte=error.start) from None
    for row, line in enumerate(lines, 1):
        if not line.strip():
            continue
        name, *rest = line.rstrip("\r").split("\t", 1) if "\t" in line else line.split(maxsplit=1)
        if name in found:
            raise DataError(f"`{name}` has two transcripts", file=str(path), row=row)
        found[name] = rest[0].strip() if rest else ""
    return found
