"""What ``predict`` is asked about: lines of text, a column of tables like the corpus's own, files and folders
of files.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from seqspec.components.adapter._table import BadCell, cell_text
from seqspec.components.adapter._table_adapter import TableAdapter
from seqspec.data.corpus.images import SUFFIXES as PICTURES
from seqspec.data.corpus.lines import read_lines
from seqspec.data.printable import show
from seqspec.schema.adapter._table import TableConfig
from seqspec.schema.diagnostic import DataError

SOUND = frozenset((".wav", ".flac", ".mp3", ".ogg", ".opus", ".oga", ".aiff", ".aif", ".au", ".sph"))
SUFFIXES: Mapping[str, frozenset[str]] = {"audio": SOUND, "pictures": PICTURES}
"""Files of a folder that are read, by what a run reads."""
_TABLES: Mapping[str, tuple[str, ...]] = {
    "csv": (".csv",),
    "tsv": (".tsv",),
    "jsonl": (".jsonl", ".json"),
    "parquet": (".parquet",),
}
_PACKED = (".gz", ".bz2", ".xz")


def files_of(inputs: Sequence[str], kind: str) -> list[str]:
    """The files, and in place of each folder all below it that look like ``kind``, in sorted order."""
    found: list[str] = []
    for name in inputs:
        folder = Path(name)
        if not folder.is_dir():
            found.append(name)
            continue
        below = [path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES[kind]]
        files = sorted(str(path) for path in below if path.is_file() and not path.name.startswith("."))
        if not files:
            raise DataError(f"the folder {name!r} holds no {kind}", help=f"files end in {_listed(kind)}")
        found += files
    return found


def texts_of(inputs: Sequence[str], adapter: object) -> Iterator[str]:
    """The texts of files or, with none named, of standard input: a line each, or a row each of a table that
    is kept as the corpus is.

    Lines end as in a corpus: at a line feed, with or without a carriage return before it.
    """
    for name in inputs or ("-",):
        if name == "-":
            yield from _standard_input()
        elif Path(name).is_dir():
            raise DataError(f"{name!r} is a folder", help="name the files in it")
        elif not Path(name).is_file():
            raise DataError(
                f"there is no file {name!r}", help="text is read from files or from standard input"
            )
        elif isinstance(adapter, TableAdapter) and _is_table(adapter.corpus, Path(name)):
            yield from _column(adapter, Path(name))
        else:
            yield from _file(Path(name))


def _listed(kind: str) -> str:
    return ", ".join(f"`{suffix}`" for suffix in sorted(SUFFIXES[kind]))


def _is_table(corpus: str, path: Path) -> bool:
    plain = path.with_suffix("") if path.suffix in _PACKED else path
    return plain.suffix.lower() in _TABLES.get(corpus, ())


def _column(adapter: TableAdapter[TableConfig], path: Path) -> Iterator[str]:
    """What the model reads (or, where nothing is read, goes on from); other columns may be absent."""
    role = adapter.config.source or adapter.config.target
    config = adapter.config.model_copy(update={"target": role, "id": None, "speaker": None})
    for row in type(adapter)(config).rows(path):
        if row.fault:
            raise DataError(row.fault, file=show(path), row=row.number, byte=row.byte)
        try:
            yield cell_text(row.cells, role.column) if _filled(row.cells.get(role.column, "x")) else ""
        except BadCell as error:
            raise DataError(str(error), file=show(path), row=row.number) from None


def _filled(cell: object) -> bool:
    return cell is not None and not (isinstance(cell, str) and not cell.strip())


def _file(path: Path) -> Iterator[str]:
    for line in read_lines(path):
        if line.fault:
            raise DataError(line.fault, file=show(path), row=line.row, byte=line.byte)
        yield line.text


def _standard_input() -> Iterator[str]:
    with sys.stdin.buffer as file:
        for number, line in enumerate(file, 1):
            try:
                text = line.decode("utf-8-sig" if number == 1 else "utf-8")
            except UnicodeDecodeError as error:
                raise DataError("the line is not UTF-8", file="-", row=number, byte=error.start) from None
            yield text.removesuffix("\n").removesuffix("\r")
