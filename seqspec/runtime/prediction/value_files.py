"""Predictions that are files: an input's values in one folder, called by its id, its file or its number."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from seqspec.components.predictions import FilePrediction, Predicted, TextPrediction
from seqspec.runtime.evaluation.value_files import VALUES, write_value
from seqspec.runtime.prediction.input import Input
from seqspec.runtime.prediction.predictor import Prediction
from seqspec.schema.diagnostic import Exit, RunError

MOST_LETTERS = 100
"""Letters of an id that a file's name takes over."""


def written_to(folder: Path, predicted: Iterator[Prediction]) -> Iterator[Prediction]:
    """The predictions with their values in files, which they name as seen from ``folder``."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise RunError(f"`{folder}` is a file, and values are written to a folder", exit=Exit.USAGE) from None
    taken: set[str] = set()
    for number, one in enumerate(predicted, start=1):
        name = _free(_name(one.input, number), taken)
        yield replace(one, hypotheses=tuple(_written(folder, name, one.hypotheses)))


def _written(folder: Path, name: str, hypotheses: tuple[Predicted, ...]) -> Iterator[Predicted]:
    for rank, value in enumerate(hypotheses, start=1):
        if isinstance(value, VALUES):
            files = write_value(value, folder / (name if rank == 1 else f"{name}.{rank}"))
            yield FilePrediction(tuple(file.name for file in files))
        elif isinstance(value, TextPrediction) and value.as_file is not None:
            suffix, content = value.as_file()
            file = folder / f"{name if rank == 1 else f'{name}.{rank}'}{suffix}"
            file.write_bytes(content)
            yield FilePrediction((file.name,))
        else:
            yield value


def _name(one: Input, number: int) -> str:
    """The id of a row, the name of a file without its suffix, else a number."""
    own = one.id
    if own is None and not isinstance(one.value, str):
        own = Path(one.name).stem
    safe = re.sub(r"[^\w.-]+", "_", own or "").strip("._")[:MOST_LETTERS]
    return safe or f"{number:05d}"


def _free(name: str, taken: set[str]) -> str:
    number, free = 2, name
    while free in taken:
        free, number = f"{name}_{number}", number + 1
    taken.add(free)
    return free
