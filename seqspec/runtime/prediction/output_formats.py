"""Predictions as text, JSON lines, CSV or TSV.

Text is a line an input (or a line a hypothesis, numbered, where several are asked for). JSON lines, CSV and
TSV carry the id and all columns of a row along; CSV and TSV have a line for each hypothesis.
"""

from __future__ import annotations

import csv
import dataclasses
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import IO, Any, Literal

import numpy as np

from seqspec.components.predictions import (
    FilePrediction,
    FramesPrediction,
    LabelPrediction,
    MaskPrediction,
    PointsPrediction,
    Predicted,
    TextPrediction,
    VectorPrediction,
    VideoPrediction,
)
from seqspec.runtime.prediction.predictor import Prediction, probabilities
from seqspec.schema.diagnostic import DataError

Format = Literal["text", "json", "jsonl", "csv", "tsv"]


@dataclass(frozen=True)
class Printing:
    """How predictions are printed."""

    format: Format = "text"
    nbest: int = 1
    scores: bool = False
    """Print scores before texts; the other formats always hold them."""
    all_classes: bool = False
    """Print the probability of every class."""
    named: bool = False
    """Print the input's name before each text, as for files of a folder."""
    times: bool = False
    """Print a line a word, with its start and end in seconds."""


Write = Callable[[Prediction], None]


def writer(out: IO[str], printing: Printing) -> Write:
    """What prints one prediction after another."""
    match printing.format:
        case "text":
            return lambda one: _write(out, text_lines(one, printing))
        case "json" | "jsonl":
            return lambda one: _write(out, json_line(one, printing))
        case "csv" | "tsv":
            return DelimitedWriter(out, printing)


def _write(out: IO[str], lines: str) -> None:
    out.write(lines)
    out.flush()


def text_lines(one: Prediction, printing: Printing) -> str:
    """A line a hypothesis; an input without any has an empty line."""
    if printing.times:
        return _word_lines(one, printing)
    lines = []
    for number, found in enumerate(one.hypotheses[: printing.nbest], 1):
        columns = [str(number)] if printing.nbest > 1 else []
        columns += [f"{_score(found):.4f}"] if printing.scores else []
        lines.append("\t".join([*columns, _one_line(_text(found))]))
    if printing.all_classes:
        told = " ".join(f"{name}={p:.4f}" for name, p in probabilities(one.hypotheses).items())
        lines = [f"{line}\t{told}" for line in lines]
    before = f"{one.input.name}\t" if printing.named else ""
    return "".join(f"{before}{line}\n" for line in lines or [""])


def _word_lines(one: Prediction, printing: Printing) -> str:
    """Start, end and word, with the hypothesis's number and the input's name where there are several."""
    lines = []
    for number, found in enumerate(one.hypotheses[: printing.nbest], 1):
        for word in found.words or () if isinstance(found, TextPrediction) else ():
            columns = [one.input.name] if printing.named else []
            columns += [str(number)] if printing.nbest > 1 else []
            columns += [f"{word.score:.4f}"] if printing.scores else []
            lines.append("\t".join([*columns, f"{word.start:.3f}", f"{word.end:.3f}", _one_line(word.word)]))
    return "".join(f"{line}\n" for line in lines or [one.input.name if printing.named else ""])


def json_line(one: Prediction, printing: Printing) -> str:
    """One object: the input, its id and columns, the hypotheses, or the error in place of them."""
    found: dict[str, Any] = {"input": one.input.name}
    if one.input.id is not None:
        found["id"] = one.input.id
    if one.input.columns is not None:
        found["columns"] = dict(one.input.columns)
    found["hypotheses"] = [as_json(value) for value in one.hypotheses[: printing.nbest]]
    if printing.all_classes:
        found["probabilities"] = probabilities(one.hypotheses)
    if one.error is not None:
        found["error"] = str(one.error)
    return json.dumps(found, ensure_ascii=False, default=str) + "\n"


def as_json(value: Predicted) -> dict[str, Any]:
    """A prediction as plain data."""
    match value:
        case LabelPrediction():
            return {"text": value.label, "score": value.score, "probability": value.probability}
        case TextPrediction(words=None):
            return {"text": value.text, "score": value.score}
        case TextPrediction():
            words = [dataclasses.asdict(word) for word in value.words or ()]
            return {"text": value.text, "score": value.score, "words": words}
        case FilePrediction():
            return {"file": value.names[0], "files": list(value.names)}
        case VectorPrediction():
            return {"vector": value.values_D.tolist()}
        case FramesPrediction():
            return {"frames": value.frames_TD.tolist(), "rate": value.rate}
        case MaskPrediction():
            return {"mask": value.classes_HW.tolist(), "labels": list(value.labels)}
        case PointsPrediction():
            return {"classes": value.classes_N.tolist()}
        case VideoPrediction():
            return {"frames": np.asarray(value.frames_THW, np.float64).round(6).tolist()}
    raise _unprintable(value)


class DelimitedWriter:
    """Rows with the columns of the first input's table, then ``prediction`` and ``score``.

    A table whose columns differ from the first one's is refused: its cells would have no column.
    """

    def __init__(self, out: IO[str], printing: Printing) -> None:
        self.out, self.printing = out, printing
        self.columns: tuple[str, ...] | None = None
        self.classes: tuple[str, ...] = ()
        self._csv = csv.writer(out, lineterminator="\n")

    def __call__(self, one: Prediction) -> None:
        columns = one.input.columns
        if columns is None or not columns:
            columns = {} if self.columns and one.error else {"input": one.input.name}
        if self.columns is None:
            self._begin(columns, one)
        assert self.columns is not None
        strange = [name for name in columns if name not in self.columns]
        if strange:
            raise DataError(
                f"the column `{strange[0]}` stands in this table and not in the first",
                file=one.input.file,
                row=one.input.row,
                help="predict one table after the other, or use `--format json`",
            )
        given = [_cell(columns.get(name)) for name in self.columns]
        best: Sequence[Predicted | None] = one.hypotheses[: self.printing.nbest] or [None]
        for rank, found in enumerate(best, 1):
            self._row([*given, *self._predicted(rank, found), *self._class_cells(one)])
        self.out.flush()

    def _begin(self, columns: Mapping[str, object], one: Prediction) -> None:
        self.columns = tuple(columns)
        own = ["prediction", "score"]
        own += ["rank"] if self.printing.nbest > 1 else []
        if self.printing.all_classes:
            self.classes = tuple(sorted(probabilities(one.hypotheses)))
        names = [*own, *(f"p({name})" for name in self.classes)]
        self._row([*self.columns, *(_free(name, self.columns) for name in names)])

    def _predicted(self, rank: int, found: Predicted | None) -> list[str]:
        cells = ["", ""] if found is None else [_text(found), _shown_score(found)]
        return [*cells, str(rank)] if self.printing.nbest > 1 else cells

    def _class_cells(self, one: Prediction) -> list[str]:
        known = probabilities(one.hypotheses)
        return [f"{known[name]:.6f}" if name in known else "" for name in self.classes]

    def _row(self, cells: Sequence[str]) -> None:
        if self.printing.format == "csv":
            self._csv.writerow(cells)
        else:
            self.out.write("\t".join(_one_line(cell).replace("\t", " ") for cell in cells) + "\n")


def _free(name: str, taken: Sequence[str]) -> str:
    """``name``, or with a number where the table has such a column."""
    number, free = 2, name
    while free in taken:
        free, number = f"{name}_{number}", number + 1
    return free


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, default=str)


def _text(value: Predicted) -> str:
    match value:
        case LabelPrediction() | TextPrediction():
            return value.text
        case FilePrediction():
            return value.names[0]
        case VectorPrediction():
            return " ".join(f"{number:.6g}" for number in np.asarray(value.values_D).tolist())
    raise _unprintable(value)


def _score(value: Predicted) -> float:
    return value.score if isinstance(value, LabelPrediction | TextPrediction) else 0.0


def _shown_score(value: Predicted) -> str:
    return f"{value.score:.6f}" if isinstance(value, LabelPrediction | TextPrediction) else ""


def _one_line(text: str) -> str:
    return text.replace("\r\n", " ").replace("\n", " ")


def _unprintable(value: Predicted) -> DataError:
    message = f"a prediction of kind `{value.kind}` cannot be printed in this format"
    return DataError(message, help="write it to files with `--out FOLDER`")
