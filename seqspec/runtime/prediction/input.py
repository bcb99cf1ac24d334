"""One input of ``predict``: what is read, what it is called, and what else its table knows of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from seqspec.data.corpus.input_files import Given, InputFields
from seqspec.data.corpus.record import AudioRef
from seqspec.data.text.conversation import AnsweredText
from seqspec.schema.diagnostic import DataError


class ImageRef(NamedTuple):
    """An image file; ``data`` is its content where it stands in a table."""

    path: Path
    data: bytes | None = None


@dataclass(frozen=True)
class Input:
    """Something to predict from, or why it cannot be read."""

    value: str | AnsweredText | AudioRef | ImageRef | InputFields
    name: str
    """What it is called in the output: the text itself, or the file."""
    file: str = ""
    """Where it stands, for messages."""
    row: int | None = None
    id: str | None = None
    columns: Mapping[str, object] | None = None
    """All columns of its row, where it comes from a table."""
    error: DataError | None = None
    given: Given = field(default_factory=dict)
    """What a person says of further fields; a column of the row goes before it."""


def of_text(text: str) -> Input:
    """A text that comes from nowhere in particular."""
    return Input(text, text)


def unread(error: DataError, *, name: str = "", columns: Mapping[str, object] | None = None) -> Input:
    """An input that cannot be read: it has a place in the output, and no prediction."""
    return Input("", name, error.file, error.row, columns=columns, error=error)
