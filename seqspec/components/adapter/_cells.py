"""Cells of a table: how one is found in its row, and what makes one bad."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import SupportsFloat

from seqspec.data.printable import show

Cells = Mapping[str | int, object]
_HALF = re.compile("[\ud800-\udfff]")
"""What JSON can write by an escape and no encoding holds, as of an emoji that was cut in two."""


class BadCell(Exception):
    """A cell is not what its column promises; ``remedy`` is what helps all rows like this one."""

    def __init__(self, message: str, remedy: str = "") -> None:
        self.remedy = remedy
        super().__init__(message)


def cell_label(cells: Cells, column: str | int) -> str:
    """A cell as the name of a class; JSON's truth values are ``true`` and ``false``."""
    value = look_up(cells, column)
    return str(value).lower() if isinstance(value, bool) else cell_text(cells, column)


def cell_text(cells: Cells, column: str | int) -> str:
    """A cell that holds text, or a number, which is taken as it is written."""
    value = look_up(cells, column)
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise _not_text(column, value)
    text = str(value)
    if not text.strip():
        raise BadCell(f"column `{show(column)}` is empty")
    if not text.isascii() and _HALF.search(text):
        raise BadCell(f"column `{show(column)}` holds half of a surrogate pair, which is no text")
    return text


def _not_text(column: str | int, value: object) -> BadCell:
    name = show(column)
    if value is None:
        return BadCell(f"column `{name}` is empty, not text")
    if isinstance(value, float) and math.isnan(value):
        return BadCell(f"column `{name}` is NaN, the mark of a missing value, not text", _MISSING)
    if isinstance(value, Mapping):
        fields = [show(str(field)[:40]) for field in list(value)[:8]]
        has = ", ".join(f"`{field}`" for field in fields)
        remedy = f"name one of its fields, as `{name}.{fields[0]}`" if fields else ""
        return BadCell(f"column `{name}` is a struct, not text; it has {has or 'no fields'}", remedy)
    kind, remedy = next(
        ((words, remedy) for of, words, remedy in _CASTS if isinstance(value, of)),
        (f"a {type(value).__name__}", "convert the column to text"),
    )
    return BadCell(f"column `{name}` is {kind}, not text", remedy.replace("COLUMN", name))


_MISSING = "fill it in or leave the row out, as pandas does by `dropna`"
_CASTS: tuple[tuple[type, str, str], ...] = (
    (bool, "a truth value", "convert the column to text, as pandas does by `df['COLUMN'].astype(str)`"),
    (
        float,
        "a float",
        "convert the column, as pandas does by `df['COLUMN'].astype('Int64').astype(str)` for whole numbers "
        "or `.astype(str)` for others (a column of whole numbers with gaps becomes floats there)",
    ),
    (bytes, "bytes", "decode the column, as pandas does by `df['COLUMN'].str.decode('utf-8')`"),
    (list, "a list", "name one of its entries, as `COLUMN.0`, or join them to one text"),
)


def look_up(cells: Cells, column: str | int) -> object:
    """The cell of a column; ``a.b`` is the key ``b`` of what stands under ``a``.  Raises ``BadCell``."""
    if column in cells:
        return cells[column]
    value: object = cells
    for part in str(column).split("."):
        if isinstance(value, list) and part.isdecimal() and int(part) < len(value):
            value = value[int(part)]
            continue
        if not isinstance(value, Mapping) or part not in value:
            has = ", ".join(f"`{show(str(name)[:40])}`" for name in list(cells)[:8])
            message = f"there is no column `{show(column)}`" + (f"; the row has {has}" if has else "")
            raise BadCell(message, _below(cells, column))
        value = value[part]
    return value


def _below(cells: Cells, column: str | int) -> str:
    """Where a struct of the row has the field that is called as the missing column."""
    outer = next((name for name, cell in cells.items() if isinstance(cell, Mapping) and column in cell), None)
    return "" if outer is None else f"did you mean `{show(str(outer)[:40])}.{show(str(column))}`?"


def real_of(value: object) -> float:
    """A cell as a number; NaN where it holds none."""
    if isinstance(value, bool) or not isinstance(value, str | bytes | SupportsFloat):
        return math.nan
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return math.nan
