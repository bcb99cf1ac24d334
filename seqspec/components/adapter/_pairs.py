"""Two files whose lines belong together."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from seqspec.data.corpus.lines import Line, read_lines
from seqspec.data.corpus.record import BadRow, Record
from seqspec.data.printable import show
from seqspec.schema.diagnostic import DataError


def aligned(left: Path, right: Path, *, corpus: str) -> Iterator[tuple[Line, Line]]:
    """Line by line; where one file is shorter, a ``DataError`` names both and their counts."""
    rows = 0
    lines, others = read_lines(left, corpus=corpus), read_lines(right, corpus=corpus)
    for rows, line in enumerate(lines, 1):
        other = next(others, None)
        if other is None:
            raise _unequal(left, right, rows + sum(1 for _ in lines), rows - 1, corpus)
        yield line, other
    more = sum(1 for _ in others)
    if more:
        raise _unequal(left, right, rows, rows + more, corpus)


def read_pairs(source: Path, target: Path, *, root: Path, corpus: str) -> Iterator[Record | BadRow]:
    """Records of two files of equally many lines; a pair with an empty side is bad."""
    name, file = source.relative_to(root).as_posix(), str(source)
    for line, other in aligned(source, target, corpus=corpus):
        row = line.row
        if line.fault is None and other.fault is None and line.text.strip() and other.text.strip():
            yield {"id": f"{name}:{row}", "source": line.text, "target": other.text, "file": file, "row": row}
        else:
            yield _bad(f"{name}:{row}", line, other, source, target)


def _bad(name: str, left: Line, right: Line, source: Path, target: Path) -> BadRow:
    line, file = (left, source) if left.fault or not left.text.strip() else (right, target)
    return BadRow(name, line.fault or "the line is empty", str(file), line.row, line.byte)


def _unequal(left: Path, right: Path, lines: int, others: int, corpus: str) -> DataError:
    return DataError(
        f"`{show(left)}` has {lines:,} lines and `{show(right)}` has {others:,}; they must be pairs",
        corpus=corpus,
        file=show(left if lines < others else right),
        row=min(lines, others),
        help="find the line from which on the two differ, as by `paste FILE FILE`: one of them lacks a line, "
        "or a text in it runs over two",
    )
