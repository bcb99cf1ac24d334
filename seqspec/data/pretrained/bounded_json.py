"""JSON from a stranger: within bounds, without repeated keys, an object at the top."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from seqspec.data.json_keys import once
from seqspec.data.printable import show
from seqspec.data.regular_file import open_regular
from seqspec.schema.diagnostic import DataError

DAMAGED = "SQ272"
AGAIN = "get the folder once more, and compare the sizes of its files with where it comes from"


def read_json(file: Path, *, most: int) -> dict[str, Any]:
    """What the file holds.  Raises ``DataError`` where it has more than ``most`` bytes or is no object."""
    try:
        with open_regular(file) as opened:
            text = opened.read(most + 1)
    except OSError as error:
        raise damaged(file, f"cannot be read: {error.strerror}") from None
    if len(text) > most:
        raise damaged(file, f"is larger than {most:,} bytes")
    return parse(text, file)


def parse(text: bytes, file: Path) -> dict[str, Any]:
    """A JSON object.  Raises ``DataError`` naming ``file``."""
    try:
        found = json.loads(text.decode("utf-8"), object_pairs_hook=once, parse_constant=_refuse)
    except RecursionError:
        raise damaged(file, "is nested too deeply") from None
    except ValueError as error:
        raise damaged(file, f"is not whole: {error}") from None
    if not isinstance(found, dict):
        raise damaged(file, "holds no JSON object")
    return found


def damaged(file: Path, why: str) -> DataError:
    """A file of a folder that is not what it should be."""
    return DataError(f"{show(file.name)} {why}", file=show(str(file)), help=AGAIN, code=DAMAGED)


def _refuse(word: str) -> Any:
    raise ValueError(f"{word} is no number of JSON")
