"""When each segment of a recording is spoken, where the model writes the times itself, as Whisper does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from seqspec.components.predictions import Predicted, TextPrediction, TimedWord
from seqspec.components.search._times import Times
from seqspec.data.batching.batch import Batch
from seqspec.runtime.assembly.assembled import Reopened
from seqspec.runtime.prediction.timing import Timing
from seqspec.schema.types import Logits, Waveform


@dataclass(frozen=True)
class SegmentTiming:
    """Answers that hold times, as texts with segments."""

    times: Times
    steps: Any
    """Text steps of the target."""
    rate: float
    """Frames a second of the source."""

    @classmethod
    def of(cls, run: Reopened) -> SegmentTiming | None:
        """``None`` where the tokenizer knows no times, or the model writes none.  The model writes times from
        here on.
        """
        steps, model = run.parts.text.get("target"), run.program.parts
        told = getattr(getattr(steps, "tokenizer", None), "times", None)
        if (
            told is None
            or not hasattr(model, "times")
            or not isinstance(run.parts.roles.get("source"), Waveform)
        ):
            return None
        found, text, without, prompt = told()
        model.times = Times(tuple(found), tuple(text), without)
        model.prompt = model.prompt[:prompt]
        return cls(model.times, steps, float(run.parts.frames_type("source").rate))

    def heard(self, batch: Batch) -> list[float]:
        """Seconds of each recording of a batch."""
        assert batch.source_lengths is not None
        return [length / self.rate for length in batch.source_lengths.tolist()]

    def timed(self, found: Sequence[Any], seconds: float) -> list[Predicted]:
        """Hypotheses of one recording; the last segment ends with the recording where its time is missing."""
        return [self._timed(one, seconds) for one in found]

    def _timed(self, one: Any, seconds: float) -> TextPrediction:
        mean = float(one.log_prob) / (len(one.ids) + 1)
        decode = self.steps.decode
        words = []
        for start, end, ids in self.times.segments(one.ids):
            text = str(decode(list(ids))).strip()
            until = max(start, seconds) if end is None else end
            words += [TimedWord(text, start, round(until, 3), mean)] if text else []
        text = str(decode(self.times.text_of(one.ids)))
        return TextPrediction(text, float(one.score), tuple(words))


def timing_of(run: Reopened) -> Timing | SegmentTiming:
    """By CTC scores where the run has them, else by the times that the model writes.  Raises ``RunError``
    where it has neither.
    """
    aligned = any(isinstance(type_, Logits) and type_.blank for type_ in run.program.plan.outputs.values())
    return (None if aligned else SegmentTiming.of(run)) or Timing.of(run)
