"""``seqspec predict RUN --stream``: text of a recording while it comes in by standard input."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Literal

import torch

from seqspec.runtime.devices.launch import Launch
from seqspec.runtime.prediction.listening.endpoint import EndRules
from seqspec.runtime.prediction.listening.recognizer import Listener, Recognizer, Utterance, recognizer_of
from seqspec.runtime.prediction.listening.sample_pipe import HELP, SamplePipe
from seqspec.runtime.prediction.opening import open_predictor
from seqspec.runtime.prediction.timing import Timing
from seqspec.schema.diagnostic import DataError, Exit, RunError

if TYPE_CHECKING:
    from seqspec.compile.plan.plan import Compiled
    from seqspec.compile.resolve.overlay import Overlay
    from seqspec.components.predictions import TimedWord

Format = Literal["text", "json", "jsonl"]
STDIN = 0


def listen(
    path: Path,
    *,
    checkpoint: str,
    over: Sequence[Overlay],
    launch: Launch,
    out: IO[str],
    format: Format,
    compiled: Compiled | None = None,
    task: str | None = None,
    timestamps: bool = False,
    rules: EndRules | None = None,
) -> Exit:
    """Partial texts on ``out`` as they change, the final one at the end of each utterance that ``rules``
    tell, and of the recording, with seconds from the beginning; how far behind it was on standard error.

    Raises ``DataError`` for an empty pipe or one that holds something else, ``RunError`` for a run that
    cannot stream.
    """
    if os.isatty(STDIN):
        raise RunError(
            "`--stream` hears what is piped in, and standard input is a terminal",
            exit=Exit.USAGE,
            help=HELP.format(rate=16000),
        )
    opened = open_predictor(
        path, checkpoint=checkpoint, over=over, launch=launch, compiled=compiled, task=task,
        timestamps=timestamps,
    )  # fmt: skip
    recognizer = recognizer_of(opened)
    return hear(
        recognizer,
        SamplePipe(STDIN, rate=recognizer.rate),
        Printed(out, format),
        timing=opened.timing if isinstance(opened.timing, Timing) else None,
        rules=rules,
    )


def hear(
    recognizer: Recognizer,
    pipe: SamplePipe,
    printed: Printed,
    *,
    timing: Timing | None = None,
    rules: EndRules | None = None,
) -> Exit:
    """One recording from its beginning to its end; with ``timing`` its words have times."""
    listener, pace = recognizer.listen(keep=timing is not None, rules=rules), Pace(recognizer)
    with pipe.signals():
        print(f"listening: {recognizer.rate:,} samples a second, {recognizer.latency}", file=sys.stderr)
        follow(listener, pipe, printed, pace, timing=timing)
        if pipe.signal is None:
            _require_sound(listener, pipe)
        with pace:
            last = listener.end()
        for utterance in listener.take():
            printed.final(utterance, _words(timing, utterance))
        if last.ids or not printed.finals:
            printed.final(last, _words(timing, last))
    print(pace.summary(listener.seconds), file=sys.stderr)
    return _ended(pipe)


def _require_sound(listener: Listener, pipe: SamplePipe) -> None:
    if not listener.samples:
        help = HELP.format(rate=pipe.rate)
        raise DataError("the recording is empty", file=pipe.name, help=help)
    if not listener.frames:
        raise DataError("the recording is too short: not one frame of its features fits", file=pipe.name)


def follow(
    listener: Listener, pipe: SamplePipe, printed: Printed, pace: Pace, *, timing: Timing | None = None
) -> None:
    """Everything that comes in, until the end of the pipe or a signal."""
    for samples in pipe:
        with pace:
            news = listener.hear(samples)
        for utterance in listener.take():
            printed.final(utterance, _words(timing, utterance))
        if news:
            printed.partial(listener.text, listener.told_seconds)


def _words(timing: Timing | None, spoken: Utterance) -> Sequence[TimedWord] | None:
    """With seconds from the beginning of the recording; ``None`` where nobody asked."""
    if timing is None:
        return None
    words = timing.words(torch.cat(spoken.log_probs), spoken.ids) if spoken.log_probs else None
    return [
        replace(word, start=word.start + spoken.begin, end=word.end + spoken.begin) for word in words or ()
    ]


def _ended(pipe: SamplePipe) -> Exit:
    """What is told of how the recording ended."""
    if pipe.half:
        print("warning: the recording ends in the middle of a sample, which is left out", file=sys.stderr)
    if pipe.lacking:
        raise DataError(
            f"the recording is cut off: {pipe.lacking:,} samples that its header promises did not come",
            file=pipe.name,
            help="the text above is that of what has come",
        )
    return Exit.CLEAN if pipe.signal is None else Exit(128 + pipe.signal)


class Printed:
    """Lines as soon as they are known."""

    def __init__(self, out: IO[str], format: Format) -> None:
        self.out = out
        self.format = format
        self.last = ""
        self.finals = 0

    def partial(self, text: str, seconds: float) -> None:
        """Where the text is another than before."""
        if text == self.last:
            return
        self.last = text
        if self.format == "text":
            self._line(f"partial\t{seconds:.3f}\t{text}")
        else:
            self._line(json.dumps({"partial": text, "seconds": round(seconds, 3)}, ensure_ascii=False))

    def final(self, spoken: Utterance, words: Sequence[TimedWord] | None) -> None:
        """The whole text, and when each of its words is spoken."""
        self.finals, self.last = self.finals + 1, ""
        text, seconds = spoken.text, spoken.end
        if self.format == "text":
            for word in words or ():
                self._line(f"word\t{word.start:.3f}\t{word.end:.3f}\t{word.word}")
            self._line(f"final\t{seconds:.3f}\t{text}")
            return
        told: dict[str, Any] = {"text": text, "begin": round(spoken.begin, 3), "seconds": round(seconds, 3)}
        if words is not None:
            told["words"] = [
                {"word": one.word, "start": one.start, "end": one.end, "score": one.score} for one in words
            ]
        self._line(json.dumps(told, ensure_ascii=False))

    def _line(self, text: str) -> None:
        self.out.write(text + "\n")
        self.out.flush()


class Pace:
    """How long computing took; used as a context around it."""

    def __init__(self, recognizer: Recognizer) -> None:
        self.recognizer = recognizer
        self.spent = 0.0
        self.slowest = 0.0

    def __enter__(self) -> None:
        self._begin = time.perf_counter()

    def __exit__(self, *error: object) -> None:
        took = time.perf_counter() - self._begin
        self.spent += took
        self.slowest = max(self.slowest, took)

    def summary(self, seconds: float) -> str:
        """For people."""
        factor = self.spent / seconds if seconds else 0.0
        hears, computes = self.recognizer.latency.most_seconds * 1000, self.slowest * 1000
        return (
            f"heard {seconds:.2f} s, computed {self.spent:.2f} s: real-time factor {factor:.3f}; "
            f"a sound was text after {hears + computes:.0f} ms at most ({hears:.0f} ms to hear, "
            f"{computes:.0f} ms to compute)"
        )
