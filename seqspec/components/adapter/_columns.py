"""Pairs that stand in two columns of one line."""

from __future__ import annotations

from pathlib import Path

from seqspec.data.corpus.lines import Line
from seqspec.data.corpus.record import BadRow, Record


def pair_record(
    line: Line, path: Path, *, name: str, columns: int, source: int, target: int
) -> Record | BadRow:
    """The record of a tab-separated line; another number of columns, or an empty side, is bad."""
    cells = line.text.split("\t")
    fault = line.fault
    if fault is None and len(cells) != columns:
        fault = f"the row has {len(cells)} columns, not {columns}"
    if fault is None and not (cells[source].strip() and cells[target].strip()):
        fault = "one side of the pair is empty"
    if fault is not None:
        return BadRow(f"{name}:{line.row}", fault, str(path), line.row, line.byte)
    sides = {"source": cells[source].strip(), "target": cells[target].strip()}
    return {"id": f"{name}:{line.row}", **sides, "file": str(path), "row": line.row}
