"""Predict: use a run's model on audio files, pictures, text files, or on lines of standard input.

Inputs are sorted into batches of like length and answered in their own order.  Nothing of the corpus is
needed.  A line of blanks holds nothing to translate: its one answer is empty, whatever the engine.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import IO, Any, Literal

import numpy as np
import torch

from seqspec.compile.resolve.resolve import Overlay
from seqspec.components._layers.linear import prepacked
from seqspec.data.batching.batch import Batch
from seqspec.data.batching.collate import joined
from seqspec.data.corpus.images import read_picture
from seqspec.data.corpus.record import AudioRef
from seqspec.data.stages.normalize import Statistics, normalize_frames, normalize_picture
from seqspec.data.stages.parts import DataParts
from seqspec.runtime.assembly.assemble import reopen
from seqspec.runtime.assembly.assembled import Reopened
from seqspec.runtime.assembly.default_search import search_of
from seqspec.runtime.assembly.shallow_fusion import tell
from seqspec.runtime.checkpoints.selection import chosen, use_weights
from seqspec.runtime.devices.launch import Launch
from seqspec.runtime.devices.machine import pin
from seqspec.runtime.evaluation.evaluator import Found, Judge, to_device
from seqspec.runtime.prediction.engines import engine_of
from seqspec.runtime.prediction.inputs import files_of, texts_of
from seqspec.runtime.run_folder.folder import open_folder
from seqspec.schema.diagnostic import DataError, Exit, RunError
from seqspec.schema.types import Image, Text, Type, Waveform

BLOCK = 4096
"""Inputs that are read before they are sorted."""
FILES: Mapping[type, str] = {Waveform: "audio", Image: "pictures"}
"""What is read from files of its own, one an input."""


@dataclass(frozen=True)
class Predictor:
    """Turns inputs into answers, block by block."""

    judge: Judge
    prepare: Callable[[str], np.ndarray]
    """Ids, frames or the picture of one input."""
    source: Type
    """What inputs are."""
    max_units: int
    """Ids, frames or channels of pictures of a batch, padding included."""
    prompts: bool = False
    """Inputs are what a language model goes on from."""

    def __call__(self, inputs: Sequence[str]) -> Iterator[Found]:
        return self.answers([self.prepare(one) for one in inputs], inputs)

    def answers(self, values: Sequence[np.ndarray], inputs: Sequence[str]) -> Iterator[Found]:
        """Answers to inputs that are prepared."""
        empty = {row for row, one in enumerate(inputs) if self._is_empty(one, values[row])}
        order = sorted(set(range(len(values))) - empty, key=lambda i: (len(values[i]), i))
        found = {row: Found(row, (("", 0.0),)) for row in empty}
        for rows in _batches(order, [len(value) for value in values], self.max_units):
            for one in self.judge.search(self._batch(rows, [values[row] for row in rows])):
                found[one.index] = one
        return (found[i] for i in range(len(values)))

    def _is_empty(self, text: str, ids: np.ndarray) -> bool:
        """A source without words; a prompt may well be empty."""
        return isinstance(self.source, Text) and not self.prompts and not (len(ids) and text.strip())

    def _batch(self, rows: Sequence[int], values: Sequence[np.ndarray]) -> Batch:
        source, lengths = joined(self.source, values)
        nothing = torch.zeros(len(rows), 0, dtype=torch.int64)
        none = torch.zeros(len(rows), dtype=torch.int64)
        index = torch.tensor(rows)
        given = (
            Batch(None, None, source, lengths, index, 0, 1.0)
            if self.prompts
            else Batch(source, lengths, nothing, none, index, 0, 1.0)
        )
        return to_device(given, self.judge.device)


def predict(
    path: Path,
    *,
    inputs: Sequence[str],
    checkpoint: str,
    over: Sequence[Overlay],
    launch: Launch,
    out: IO[str],
    nbest: int,
    scores: bool,
    format: Literal["text", "json"],
    engine: str,
) -> None:
    """Answer every input on ``out``, a line each (``nbest`` lines, with a number before each, where more are
    asked for; the file's name before each where a folder was named).

    One file of several that cannot be read has an empty line, and is told at the end.
    """
    folder = open_folder(path)
    run = reopen(folder, overlays=over)
    tell(run.program, folder)
    pin(threads=launch.threads, exact=False)
    model = run.program.model
    use_weights(model, chosen(folder.checkpoints, checkpoint))
    device = torch.device(launch.accelerator)
    model.to(device).eval()
    answering = engine_of(
        engine,
        model,
        config=run.program.plan.experiment.model,
        search=search_of(run.program),
        threads=torch.get_num_threads(),
    )
    predictor = _predictor(replace(run, program=replace(run.program, model=answering)), device)
    kind = FILES.get(type(run.parts.roles.get("source")))
    if kind and not inputs:
        raise RunError(f"this run reads {kind}: name the files", exit=Exit.USAGE)
    files = files_of(inputs, kind) if kind else ()
    texts = partial(texts_of, inputs, run.parts.adapter)
    named = files != list(inputs) if kind else False
    faults: list[DataError] = []
    answers = _file_answers(predictor, files, faults) if kind else _text_answers(predictor, inputs, texts)
    with torch.inference_mode(), prepacked():
        for name, found in answers:
            line = _line(name, found, nbest=nbest, scores=scores, format=format)
            out.write(_with_name(name, line) if named and format == "text" else line)
            out.flush()
    _tell(faults, len(files))


def _predictor(run: Reopened, device: torch.device) -> Predictor:
    parts = run.parts
    target = parts.text.get("target")
    labels = run.labels.get("target", ())

    def decode(ids: Sequence[int]) -> str:
        return target.decode(ids) if target else " ".join(labels[i] for i in ids)

    judge = Judge(run.program, search_of(run.program), decode, lambda split, index: "", device)
    source = parts.roles.get("source")
    if isinstance(source, Waveform):
        return Predictor(judge, _audio(parts, run.statistics.get("audio")), source, max_units=40_000)
    if isinstance(source, Image):
        pictures = _pictures(parts, source, run.statistics.get("image"))
        return Predictor(judge, pictures, source, max_units=256 * source.channels)
    prompts = source is None
    steps = target if prompts else parts.text.get("source")
    if steps is None or not (prompts or isinstance(source, Text)):
        raise RunError(
            f"predict reads text, audio and pictures, and this run reads {source}", exit=Exit.USAGE
        )
    return Predictor(
        judge,
        lambda text: np.asarray(steps.encode_batch([text])[0], np.int64),
        parts.roles["target"] if prompts else source,  # type: ignore[arg-type]
        max_units=8192,
        prompts=prompts,
    )


def _audio(parts: DataParts, statistics: Statistics | None) -> Callable[[str], np.ndarray]:
    reader = parts.adapter.audio()
    assert reader is not None
    assert parts.feature is not None
    assert parts.config.audio is not None
    reader = replace(reader, resample=True, mix_down=True, corpus="")
    how, feature = parts.config.audio.normalize, parts.feature

    def frames(name: str) -> np.ndarray:
        if not Path(name).is_file():
            raise DataError(f"there is no file {name!r}")
        return normalize_frames(
            np.asarray(feature(reader(AudioRef(Path(name)))), np.float32), how, statistics
        )

    return frames


def _pictures(parts: DataParts, shape: Image, statistics: Statistics | None) -> Callable[[str], np.ndarray]:
    """Pictures of the corpus's size; where its adapter scales, so does this."""
    how = parts.config.image.normalize if parts.config.image else "unit"
    source = parts.config.source
    resize = any(getattr(one, "resize", False) for one in (source, getattr(source, "source", None)))

    def picture(name: str) -> np.ndarray:
        pixels = read_picture(
            Path(name), channels=shape.channels, height=shape.height, width=shape.width, resize=resize
        )
        return normalize_picture(pixels, how, statistics)

    return picture


def _file_answers(
    predictor: Predictor, inputs: Sequence[str], faults: list[DataError]
) -> Iterator[tuple[str, Found]]:
    """Answers by file; one of several that cannot be read has no hypothesis, and its fault is noted."""
    for start in range(0, len(inputs), 256):
        block = inputs[start : start + 256]
        values: dict[str, np.ndarray] = {}
        for name in dict.fromkeys(block):
            try:
                values[name] = predictor.prepare(name)
            except DataError as error:
                if len(inputs) == 1:
                    raise
                faults.append(error)
        answered = list(values)
        found = dict(zip(answered, predictor.answers(list(values.values()), answered), strict=True))
        yield from ((name, found.get(name, NOTHING)) for name in block)


NOTHING = Found(-1, ())
"""What is answered to a file that cannot be read."""


def _tell(faults: Sequence[DataError], count: int) -> None:
    """Raise ``DataError`` for files that could not be read, the first of them named."""
    if faults:
        told = "; ".join(str(fault) for fault in faults[:5]) + ("; …" if len(faults) > 5 else "")
        raise DataError(f"{len(faults):,} of {count:,} files cannot be read: {told}")


def _text_answers(
    predictor: Predictor, inputs: Sequence[str], texts: Callable[[], Iterator[str]]
) -> Iterator[tuple[str, Found]]:
    if not inputs and sys.stdin.isatty():
        yield from _conversation(predictor)
        return
    for block in _blocks(texts()):
        yield from zip(block, predictor(block), strict=True)


def _conversation(predictor: Predictor) -> Iterator[tuple[str, Found]]:
    """A line in, its answer out, at once."""
    while True:
        sys.stderr.write("> ")
        sys.stderr.flush()
        line = sys.stdin.buffer.readline()
        if not line:
            sys.stderr.write("\n")
            return
        try:
            text = line.removesuffix(b"\n").decode()
        except UnicodeDecodeError as error:
            sys.stderr.write(f"the line is not UTF-8 from byte {error.start} on\n")
            continue
        yield text, next(iter(predictor([text])))


def _blocks(lines: Iterator[str]) -> Iterator[list[str]]:
    block: list[str] = []
    for line in lines:
        block.append(line)
        if len(block) == BLOCK:
            yield block
            block = []
    if block:
        yield block


def _batches(order: Sequence[int], lengths: Sequence[int], max_units: int) -> Iterator[list[int]]:
    """Rows of like length, no more units than ``max_units`` with padding; an empty input counts as one."""
    batch: list[int] = []
    for row in order:
        if batch and (len(batch) + 1) * max(lengths[row], 1) > max_units:
            yield batch
            batch = []
        batch.append(row)
    if batch:
        yield batch


def _line(name: str, found: Found, *, nbest: int, scores: bool, format: Literal["text", "json"]) -> str:
    best = found.hypotheses[:nbest]
    if format == "json":
        answers: list[dict[str, Any]] = [{"text": text, "score": score} for text, score in best]
        return json.dumps({"input": name, "hypotheses": answers}, ensure_ascii=False) + "\n"
    lines = [] if best else [""]
    for number, (text, score) in enumerate(best, 1):
        columns = [str(number)] if nbest > 1 else []
        columns += [f"{score:.4f}"] if scores else []
        lines.append("\t".join([*columns, text.replace("\n", " ")]))
    return "".join(line + "\n" for line in lines)


def _with_name(name: str, lines: str) -> str:
    return "".join(f"{name}\t{line}\n" for line in lines.removesuffix("\n").split("\n"))
