"""Files that the run's own adapter says how to read, such as point clouds and clips."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from seqspec.data.corpus.input_files import Given, InputFields, InputFiles
from seqspec.data.printable import show
from seqspec.runtime.prediction.file_inputs import files_of
from seqspec.runtime.prediction.input import Input, unread
from seqspec.schema.diagnostic import DataError, Exit, RunError


def input_files_of(adapter: object) -> InputFiles | None:
    """How the adapter reads files from anywhere; ``None`` where it does not say."""
    ask: Callable[[], InputFiles | None] | None = getattr(adapter, "input_files", None)
    return None if ask is None else ask()


def field_inputs(names: Sequence[str], files: InputFiles, *, given: Given) -> Iterator[Input]:
    """An input for each example of each file, and of the files of each folder, or of a folder that is read as
    one; what cannot be read is an input that says so.
    """
    if not names:
        raise RunError(f"this run reads {files.kind}: name the files", exit=Exit.USAGE)
    for name in names:
        whole = _whole_folders(Path(name), files)
        for one in whole or files_of([name], files.kind, files.suffixes):
            yield from _of_file(one, files, given)


def one_input(name: str, *, files: InputFiles, given: Given | None = None) -> Input:
    """The one example that the file ``name`` holds; where it holds several, an input that says so."""
    found = list(_of_file(name, files, given or {}))
    if len(found) > 1:
        message = f"the file holds {len(found):,} {files.kind}, and one is wanted"
        return unread(DataError(message, file=show(name)), name=name)
    return found[0]


def field_values(value: Any) -> np.ndarray:
    """What the model reads as its source."""
    if isinstance(value, InputFields):
        return np.asarray(value.fields["source"])
    raise DataError("the input is no file of this run's kind")


def require_fields(given: Mapping[str, str], classes: Mapping[str, Sequence[str]]) -> None:
    """Raises ``RunError`` for a field that the run does not know."""
    for role in given:
        if role not in classes:
            known = ", ".join(f"`{one}`" for one in classes)
            told = f"its fields with classes are {known}" if known else "it has no further field with classes"
            raise RunError(f"this run has no field `{show(role[:100])}`", exit=Exit.USAGE, help=told)


def told_fields(written: Sequence[str]) -> dict[str, str]:
    """``ROLE=VALUE`` as a person writes them.  Raises ``RunError``."""
    for one in written:
        if "=" not in one or one.startswith("="):
            message = f"`{show(one[:100])}` is no FIELD=VALUE"
            raise RunError(message, exit=Exit.USAGE, help="such as `--field speaker=anna`")
    return dict(one.split("=", 1) for one in written)


def _whole_folders(place: Path, files: InputFiles) -> list[str]:
    """The folders in ``place``, itself among them, that are read as one; none where it is a file."""
    if not files.folders or not place.is_dir():
        return []
    held = (path for path in place.rglob("*") if path.suffix.lower() in files.folders and path.is_file())
    return sorted({str(path.parent) for path in held if not path.name.startswith(".")})


def _of_file(name: str, files: InputFiles, given: Given) -> Iterator[Input]:
    try:
        if name == "-":
            raise DataError(f"{files.kind} are read from files, not from standard input")
        for fields in files.read(Path(name), given):
            shown = f"{name}#{fields.part}" if fields.part else name
            yield Input(fields, shown, show(name), id=_id(name, fields))
    except DataError as error:
        yield unread(error, name=name)


def _id(name: str, fields: InputFields) -> str | None:
    return f"{Path(name).stem}_{fields.part.replace(' ', '_')}" if fields.part else None
