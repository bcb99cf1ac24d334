"""What adapters yield: raw records, and rows that could not be read."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

Record = dict[str, object]
"""``id`` and one value a role; see ``docs/architecture.md``."""


class AudioRef(NamedTuple):
    """A piece of an audio file; ``start`` and ``end`` in samples, the whole file where they are ``None``.

    An audio file that is held by another one has that one's path, ``#``, and its place there in bytes, as
    ``offset+length``.
    """

    path: Path
    start: int | None = None
    end: int | None = None


def without_details(reason: str) -> str:
    """A reason without what differs from row to row, so that rows can be counted by it: names, numbers."""
    named = re.sub(r"`[^`]*`", "`…`", reason)
    return re.sub(r"(?<![\w-])[0-9][0-9,.]*", "…", re.sub(r"\b0x[0-9a-f]+", "…", named))


class BadRow(NamedTuple):
    """A row that is not what the corpus promises; ``on_error`` decides what happens."""

    id: str
    reason: str
    file: str = ""
    row: int | None = None
    byte: int | None = None
    remedy: str = ""
    """What mends all rows like this one, where something does."""
