"""Cells of a table: how one is found in its row, and what makes one bad."""

from __future__ import annotations

from collections.abc import Mapping

from seqspec.data.lines import show

Cells = Mapping[str | int, object]


class BadCell(Exception):
    """A cell is not what its column promises."""


def cell_label(cells: Cells, column: str | int) -> str:
    """A cell as the name of a class; JSON's truth values are ``true`` and ``false``."""
    value = look_up(cells, column)
    return str(value).lower() if isinstance(value, bool) else cell_text(cells, column)


def cell_text(cells: Cells, column: str | int) -> str:
    """A cell that holds text, or a number, which is taken as it is written."""
    value = look_up(cells, column)
    if isinstance(value, bool) or not isinstance(value, str | int):
        kind = "empty" if value is None else f"a {type(value).__name__}"
        raise BadCell(f"column `{show(column)}` is {kind}, not text")
    text = str(value)
    if not text.strip():
        raise BadCell(f"column `{show(column)}` is empty")
    return text


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
            raise BadCell(f"there is no column `{show(column)}`" + (f"; the row has {has}" if has else ""))
        value = value[part]
    return value
