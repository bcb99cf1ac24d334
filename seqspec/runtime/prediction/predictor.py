"""The middle of ``predict``: inputs in, typed predictions out, in the same order.

Inputs are sorted into batches of like length. An input that cannot be read, or is longer than the model
allows, has a prediction that says so; the others are predicted. A text of blanks holds nothing to
translate: its one hypothesis is empty, whatever the engine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby, islice
from os import PathLike, fspath
from typing import Any

import numpy as np
import torch

from seqspec.components._layers.input_limits import InputTooLong
from seqspec.components._layers.linear import Packs, prepacked
from seqspec.components.predictions import LabelPrediction, Predicted, TextPrediction
from seqspec.data.batching.batch import Batch, Field
from seqspec.data.batching.collate import joined, pad
from seqspec.data.corpus.input_files import InputFields
from seqspec.runtime.evaluation.evaluator import to_device
from seqspec.runtime.prediction.input import Input, of_text
from seqspec.runtime.prediction.unknown_symbols import CODE, HELP
from seqspec.runtime.prediction.values import Prepare
from seqspec.schema.diagnostic import DataError
from seqspec.schema.types import Frames, Text, Type, Waveform

CPU = torch.device("cpu")


@dataclass(frozen=True)
class Prediction:
    """What was predicted from one input."""

    input: Input
    hypotheses: tuple[Predicted, ...]
    """Best first; none where the input could not be used."""
    error: DataError | None = None
    """Why there is none."""


@dataclass(frozen=True)
class Predictor:
    """A run's model, ready for inputs; ``open_predictor`` makes it from a run directory."""

    search: Callable[[Batch], Sequence[Sequence[Predicted]]]
    """Hypotheses of each example of a batch, best first."""
    prepare: Prepare
    """Ids, frames or pixels of one input's value."""
    source: Type
    """What inputs are."""
    max_units: int
    """Ids, frames or channels of images of a batch, padding included."""
    prompts: bool = False
    """Inputs are what a language model goes on from."""
    device: torch.device = CPU
    classes: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Names of the classes of further fields, such as ``speaker``, that a column of a table may tell."""
    places: Mapping[str, Callable[[str], list[int]]] = field(default_factory=dict)
    """Fields that follow from the text of an input, such as where its words begin."""
    types: Mapping[str, Type] = field(default_factory=dict)
    """Types of further fields that a file of the corpus's kind holds."""
    unspoken: Callable[[str, np.ndarray], str | None] | None = None
    """What is wrong with a text and its ids where it is to be spoken; ``None`` where nothing is."""
    block: int = 4096
    """Inputs that are read before they are sorted."""
    read: Callable[[str], Input] = of_text
    """The input that a string stands for: a text, or the name of a file."""
    packs: Packs = field(default_factory=dict, repr=False, compare=False)
    """Weights laid out for products of few rows, kept between blocks: the model must not change any more."""

    def __call__(self, inputs: Iterable[Input | str | PathLike[str]]) -> Iterator[Prediction]:
        """A prediction for each input (a text, or the name of a file, where it is a string), in order.
        Raises ``TypeError`` for a path where texts are read.
        """
        given = (one if isinstance(one, Input) else self._read(one) for one in inputs)
        while block := list(islice(given, self.block)):
            yield from self.predict(block)

    def _read(self, given: str | PathLike[str]) -> Input:
        if not isinstance(given, str) and isinstance(self.source, Text):
            raise TypeError(f"this run reads texts, and {given!r} is a path: give what `read_text()` gives")
        return self.read(fspath(given))

    @torch.inference_mode()
    def predict(self, inputs: Sequence[Input]) -> list[Prediction]:
        """Predictions for one block."""
        found: dict[int, Prediction] = {}
        values: dict[int, np.ndarray] = {}
        more: dict[int, dict[str, Any]] = {}
        for row, one in enumerate(inputs):
            try:
                if one.error is not None:
                    raise one.error
                more[row] = dict(self._told(one))
                more[row] |= {role: places(str(one.value)) for role, places in self.places.items()}
                more[row] |= {role: value for role, value in _fields(one).items() if role in self.types}
                values[row] = self._with_frames(one)
            except DataError as error:
                found[row] = Prediction(one, (), error)
                continue
            if self._is_empty(one, values[row]):
                found[row] = Prediction(one, (TextPrediction("", 0.0),))
                del values[row]
        with prepacked(self.packs):
            for row, hypotheses in self._searched(values, more):
                found[row] = _of(inputs[row], hypotheses)
        return [found[row] for row in range(len(inputs))]

    def _told(self, one: Input) -> Iterator[tuple[str, int]]:
        """The class that a column of the input's row names, for each further field that has such a column.
        Raises ``DataError`` for a name that the run has not learned.
        """
        for role, names in self.classes.items():
            told = {**one.given, **(one.columns or {}), **_fields(one)}.get(role)
            if told is None or str(told) == "":
                continue
            if str(told) not in names:
                known = ", ".join(f"`{name}`" for name in names[:10]) + (", …" if len(names) > 10 else "")
                raise DataError(
                    f"the run knows no {role} `{told}`",
                    file=one.file or one.name[:40],
                    row=one.row,
                    help=f"it knows {known}",
                )
            yield role, names.index(str(told))

    def _with_frames(self, one: Input) -> np.ndarray:
        """The prepared value.  Raises ``DataError`` for a recording too short for one frame or too loud for
        numbers, and for a text that cannot be spoken whole.
        """
        value = self.prepare(one.value)
        if len(value) == 0 and isinstance(self.source, Waveform | Frames):
            message = "the recording is too short: not one frame of its features fits"
            raise DataError(message, file=one.file or one.name[:40], row=one.row)
        if value.dtype.kind == "f" and not np.isfinite(value).all():
            message = "the input's values are too large: what the model reads of it is not finite"
            raise DataError(message, file=one.file or one.name[:40], row=one.row)
        wrong = None if self.unspoken is None else self.unspoken(str(one.value), value)
        if wrong is not None:
            raise DataError(wrong, file=one.file, row=one.row, help=HELP, code=CODE)
        return value

    def _is_empty(self, one: Input, ids: np.ndarray) -> bool:
        """A source without words; a prompt may well be empty."""
        if not isinstance(self.source, Text) or self.prompts:
            return False
        return not (len(ids) and str(one.value).strip())

    def _searched(
        self, values: dict[int, np.ndarray], more: Mapping[int, Mapping[str, Any]]
    ) -> Iterator[tuple[int, Sequence[Predicted] | DataError]]:
        """What is told of an input stands in every input of its batch, or in none."""
        order = sorted(values, key=lambda row: (sorted(more[row]), len(values[row]), row))
        lengths = {row: len(value) for row, value in values.items()}
        for _, alike in groupby(order, key=lambda row: sorted(more[row])):
            for rows in _batches(list(alike), lengths, self.max_units):
                yield from self._halving(rows, values, more)

    def _halving(
        self, rows: Sequence[int], values: dict[int, np.ndarray], more: Mapping[int, Mapping[str, Any]]
    ) -> Iterator[tuple[int, Sequence[Predicted] | DataError]]:
        """Hypotheses of a batch; where it holds an input that is too long, those of its halves; where it
        lacks what the model must be told, why there are none.
        """
        try:
            found = self.search(self.batch(rows, [values[row] for row in rows], [more[row] for row in rows]))
        except InputTooLong as error:
            if len(rows) == 1:
                yield rows[0], error
                return
            half = len(rows) // 2
            yield from self._halving(rows[:half], values, more)
            yield from self._halving(rows[half:], values, more)
            return
        except DataError as error:
            yield from ((row, error) for row in rows)
            return
        yield from zip(rows, found, strict=True)

    def batch(
        self,
        rows: Sequence[int],
        values: Sequence[np.ndarray],
        more: Sequence[Mapping[str, Any]] = (),
    ) -> Batch:
        """The values of some inputs as the model reads them, and the labels of further fields."""
        given = joined(self.source, values)
        none = torch.zeros(len(rows), dtype=torch.int64)
        nothing = Field(torch.zeros(len(rows), 0, dtype=torch.int64), none)
        fields = {"target": given} if self.prompts else {"source": given, "target": nothing}
        for role in more[0] if more else ():
            told = [one[role] for one in more]
            if role in self.types:
                fields[role] = joined(self.types[role], told)
            else:
                fields[role] = Field(torch.tensor(told)) if role in self.classes else _sequences(told)
        return to_device(Batch(fields, torch.tensor(rows), 0, {"loss": 1.0}), self.device)


def _fields(one: Input) -> Mapping[str, Any]:
    """What a file says of fields besides the source."""
    return one.value.fields if isinstance(one.value, InputFields) else {}


def _sequences(values: Sequence[Sequence[int]]) -> Field:
    return pad([np.asarray(value) for value in values], torch.int64)


def _of(one: Input, found: Sequence[Predicted] | DataError) -> Prediction:
    if isinstance(found, InputTooLong):
        message = f"the input has {found.size:,} positions, and the model has learned {found.limit:,}"
        found = DataError(
            message,
            file=one.file or one.name[:40],
            row=one.row,
            help=f"cut it into pieces of {found.limit:,} positions or fewer",
        )
    if isinstance(found, DataError):
        return Prediction(one, (), found)
    of_file = one.value.of_file if isinstance(one.value, InputFields) else None
    return Prediction(one, tuple(found if of_file is None else map(of_file, found)))


def _batches(order: Sequence[int], lengths: dict[int, int], max_units: int) -> Iterator[list[int]]:
    """Rows of like length, no more units than ``max_units`` with padding; an empty input counts as one."""
    batch: list[int] = []
    for row in order:
        if batch and (len(batch) + 1) * max(lengths[row], 1) > max_units:
            yield batch
            batch = []
        batch.append(row)
    if batch:
        yield batch


def probabilities(hypotheses: Sequence[Predicted]) -> dict[str, float]:
    """The probability of each class among the hypotheses."""
    return {one.label: one.probability for one in hypotheses if isinstance(one, LabelPrediction)}
