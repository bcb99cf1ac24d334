"""Names of a table's columns: made distinct, and what is most likely wrong where the first row lacks some."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from itertools import islice

from seqspec.components.adapter._table import Row
from seqspec.data.printable import show

LOOK_BELOW = 20
"""Rows below the first in which the names of columns are looked for."""
_SEPARATOR = re.compile(r"sep=(.?)\Z", re.IGNORECASE)
"""The line in which Excel notes the delimiter, above the header."""


def distinct(names: Sequence[str], needed: Sequence[str | int]) -> list[str]:
    """Names of which a repeated one has a number behind it (``name.1``), as with pandas.

    Raises ``ValueError`` with a repeated name that is needed: which of its columns is meant, nobody knows.
    """
    seen: dict[str, int] = {}
    given: list[str] = []
    for name in names:
        count = seen.get(name, 0)
        if count and name in needed:
            raise ValueError(name)
        seen[name] = count + 1
        given.append(f"{name}.{count}" if count else name)
    return given


def header_remedy(
    cells: list[str],
    following: Iterable[Row | tuple[int, list[str]]],
    *,
    lacking: Sequence[str | int],
    needed: Sequence[str | int],
) -> str:
    """What is most likely wrong with a first row that lacks columns."""
    return (
        _noted_delimiter(cells)
        or _other_delimiter(cells)
        or _other_format(cells)
        or _near_names(cells, lacking)
        or _named_below(following, needed)
        or _some_named(cells, needed)
        or "where the first row names no columns, set `header: false` and write their numbers, from 1"
    )


def _noted_delimiter(cells: list[str]) -> str | None:
    noted = _SEPARATOR.match(cells[0]) if len(cells) <= 2 and not any(cells[1:]) else None
    if noted is None:
        return None
    delete = "delete the first row, in which Excel notes the delimiter"
    return f"{delete}{_read_by(noted[1])}" if noted[1] else delete


def _read_by(mark: str) -> str:
    return (
        ", and read the file by the adapter `tsv`" if mark == "\t" else f", and read it by {_csv_with(mark)}"
    )


def _csv_with(mark: str) -> str:
    return f'`{{type: csv, delimiter: "{mark}"}}`'


def _other_delimiter(cells: list[str]) -> str | None:
    mark = next((mark for mark in ("\t", ",", ";", "|") if len(cells) == 1 and mark in cells[0]), None)
    if mark == "\t":
        return "the first row holds tabs: read the file by the adapter `tsv`"
    return None if mark is None else f"the first row holds `{mark}`: read the file by {_csv_with(mark)}"


def _other_format(cells: list[str]) -> str | None:
    first = cells[0].lstrip() if cells else ""
    if first.startswith("{"):
        return "the file holds JSON objects: read it by the adapter `jsonl`"
    if first.startswith("["):
        return "the file holds a JSON array: write an object a line, as by `jq -c '.[]' FILE`, for `jsonl`"
    return None


def _near_names(cells: list[str], lacking: Sequence[str | int]) -> str | None:
    simple = {_plain(cell): cell for cell in cells}
    close = [get_close_matches(_plain(str(name)), simple, 1, 0.75) for name in lacking]
    near = [f"`{show(simple[found[0]])}`" for found in close if found]
    return f"did you mean {' and '.join(near)}?" if near else None


def _named_below(following: Iterable[Row | tuple[int, list[str]]], needed: Sequence[str | int]) -> str | None:
    for row in islice(following, LOOK_BELOW):
        if not isinstance(row, Row) and all(name in row[1] for name in needed):
            return f"row {row[0]:,} names the columns: delete what stands above it"
    return None


def _some_named(cells: list[str], needed: Sequence[str | int]) -> str | None:
    """A first row that has other columns of the spec does name them."""
    held = [f"`{show(str(name)[:40])}`" for name in needed if name in cells]
    if not held:
        return None
    both = " and ".join(held)
    return f"the first row has {both}: name the others in the spec as it does, or there as the spec does"


def _plain(name: str) -> str:
    """A name without what the eye overlooks: blanks at its ends, case, width, composition."""
    return unicodedata.normalize("NFKC", name).strip().casefold()
