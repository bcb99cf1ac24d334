"""Two files whose lines belong together."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from seqspec.data.lines import Line, read_lines, show
from seqspec.data.record import BadRow, Record
from seqspec.schema.diagnostic import DataError


def read_pairs(source: Path, target: Path, *, root: Path, corpus: str) -> Iterator[Record | BadRow]:
    """Records of two files of equally many lines; the shorter file is named in a ``DataError`` where they are not."""
    name = source.relative_to(root).as_posix()
    file = str(source)
    rows = 0
    left, right = read_lines(source, corpus=corpus), read_lines(target, corpus=corpus)
    for rows, line in enumerate(left, 1):
        other = next(right, None)
        if other is None:
            raise _unequal(source, target, rows + sum(1 for _ in left), rows - 1, corpus)
        if line.fault is None and other.fault is None and line.text.strip() and other.text.strip():
            yield {
                "id": f"{name}:{rows}",
                "source": line.text,
                "target": other.text,
                "file": file,
                "row": rows,
            }
        else:
            yield _bad(f"{name}:{rows}", line, other, source, target)
    more = sum(1 for _ in right)
    if more:
        raise _unequal(source, target, rows, rows + more, corpus)


def _bad(name: str, left: Line, right: Line, source: Path, target: Path) -> BadRow:
    line, file = (left, source) if left.fault or not left.text.strip() else (right, target)
    return BadRow(name, line.fault or "the line is empty", str(file), line.row, line.byte)


def _unequal(source: Path, target: Path, lines: int, others: int, corpus: str) -> DataError:
    return DataError(
        f"`{show(source)}` has {lines:,} lines and `{show(target)}` has {others:,}; line by line they must belong together",
        corpus=corpus,
        file=show(source if lines < others else target),
        row=min(lines, others),
    )
