"""A manifest that came from elsewhere, believed only where it is of the store that was asked for and names
nothing but that store's own files, with sizes that fit its columns.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from seqspec.data.store.cache import FORMAT, unsealed
from seqspec.data.store.durable import json_bytes
from seqspec.data.store.store import Column, mapped

_NUMBERS = re.compile(r"u?int(8|16|32|64)|float(16|32|64)|bool")
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Entry:
    """What a manifest says of one file."""

    bytes: int
    sha256: str
    modified: int
    """Nanoseconds since 1970: a copy with this time is not hashed again whenever it is opened."""


def checked(data: bytes, *, stage: str, parts: object) -> dict[str, Entry]:
    """The files of the store that ``stage`` and ``parts`` decide.  Raises ``ValueError`` that says what is
    wrong with its manifest.
    """
    try:
        manifest = unsealed(data)
    except (ValueError, KeyError, TypeError, RecursionError):
        raise ValueError("it is no manifest, or was changed after it was written") from None
    asked = json.loads(json_bytes({"format": FORMAT, "stage": stage, "parts": parts}))
    if any(manifest.get(name) != value for name, value in asked.items()):
        raise ValueError("it is the manifest of other data")
    rows = manifest.get("rows")
    if not isinstance(rows, int) or not _is_count(rows) or not isinstance(manifest.get("state"), dict):
        raise ValueError("it does not say how many rows there are")
    columns = _columns(manifest.get("columns"))
    files = manifest.get("files")
    expected = [f"{name}.data" for name in columns]
    expected += [f"{name}.offsets" for name, one in columns.items() if one.ragged]
    if not isinstance(files, dict) or sorted(files) != sorted(expected):
        raise ValueError("its files are not those of its columns")
    entries = {name: _entry(name, files[name]) for name in sorted(files)}
    for name, column in columns.items():
        _require_sizes(name, column, entries, rows)
    return entries


def require_offsets(folder: Path, entries: dict[str, Entry]) -> None:
    """Raises ``ValueError`` where rows of a column do not follow one another."""
    for name in entries:
        if name.endswith(".offsets"):
            offsets = mapped(folder / name, "int64")
            if offsets[0] != 0 or bool((np.diff(offsets) < 0).any()):
                raise ValueError(f"the rows of {name} do not follow one another")


def _columns(given: Any) -> dict[str, Column]:
    if not isinstance(given, dict):
        raise ValueError("it names no columns")
    found = {}
    for name, told in given.items():
        if not name or name.startswith(".") or "/" in name or "\\" in name or "\0" in name or len(name) > 100:
            raise ValueError("a column's name is not the name of a file")
        good = isinstance(told, dict) and told.keys() == {"dtype", "ragged", "width"}
        if not good or not isinstance(told["ragged"], bool) or not _is_count(told["width"]):
            raise ValueError(f"it does not say what column {name} holds")
        if not isinstance(told["dtype"], str) or not _NUMBERS.fullmatch(told["dtype"]):
            raise ValueError(f"column {name} holds no numbers")
        found[name] = Column(**told)
    return found


def _entry(name: str, told: Any) -> Entry:
    good = isinstance(told, dict) and told.keys() == {"bytes", "sha256", "modified"}
    if not good or not _is_count(told["bytes"]) or not _is_count(told["modified"]):
        raise ValueError(f"it does not say how large {name} is")
    if not isinstance(told["sha256"], str) or not _SHA256.fullmatch(told["sha256"]):
        raise ValueError(f"it has no SHA-256 of {name}")
    return Entry(**told)


def _require_sizes(name: str, column: Column, entries: dict[str, Entry], rows: int) -> None:
    element = np.dtype(column.dtype).itemsize * max(column.width, 1)
    size = entries[f"{name}.data"].bytes
    whole = size % element == 0 if column.ragged else size == rows * element
    if not whole or (column.ragged and entries[f"{name}.offsets"].bytes != 8 * (rows + 1)):
        raise ValueError(f"the size of column {name} is not that of {rows:,} rows")


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63
