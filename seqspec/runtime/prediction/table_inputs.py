"""Rows of tables, whatever their format: the column that the model reads, and all others to go along.

The format follows from the file's name. The run's own adapter reads files of its format, with its
settings; any other format is read with the defaults of its adapter.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from seqspec.components.adapter._cells import BadCell, cell_text
from seqspec.components.adapter._table import Held, Row, _parts, _piece
from seqspec.components.adapter._table_adapter import TableAdapter
from seqspec.data.corpus.record import AudioRef
from seqspec.data.printable import show
from seqspec.runtime.prediction.input import ImageRef, Input, unread
from seqspec.schema.adapter._table import RoleColumn, TableConfig
from seqspec.schema.catalogue import Catalogue
from seqspec.schema.diagnostic import DataError, Exit, RunError
from seqspec.schema.types import Image, Type, Waveform

_SUFFIXES: Mapping[str, str] = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
    ".parquet": "parquet",
}
"""The adapter that reads files of a suffix."""
_COMPRESSED = (".gz", ".bz2", ".xz")


def table_format(path: Path) -> str | None:
    """The adapter that reads a file that is called so; ``None`` for what is no table."""
    plain = path.with_suffix("") if path.suffix in _COMPRESSED else path
    return _SUFFIXES.get(plain.suffix.lower())


def role_column(adapter: object, source: Type, *, column: str | None) -> RoleColumn | None:
    """The column that is read: ``column``, or the one that the run was trained on; ``None`` where the run
    was trained on no table.
    """
    if isinstance(adapter, TableAdapter):
        trained: RoleColumn = adapter.config.source or adapter.config.target
        return trained if column is None else trained.model_copy(update={trained.kind: column})
    if column is None:
        return None
    kind = "audio" if isinstance(source, Waveform) else "image" if isinstance(source, Image) else "text"
    return RoleColumn.model_validate({kind: column})


def table_inputs(path: Path, *, adapter: object, role: RoleColumn | None) -> Iterator[Input]:
    """Every row; one that cannot be read is an input that says so.

    A table without the column raises ``DataError`` before its first row.
    """
    if role is None:
        raise RunError(
            f"`{show(path)}` is a table, and this run was not trained on tables",
            exit=Exit.USAGE,
            help="name the column to read with `--column NAME`; standard input is read as lines",
        )
    reader = _reader(path, adapter, role)
    rows = reader.all_rows(path)
    number = 0
    while True:
        try:
            row = next(rows, None)
        except DataError as error:
            if not number:
                raise _asked(error) from None
            yield unread(error)
            return
        if row is None:
            return
        number = row.number
        yield _input(row, path, role, _id_column(adapter))


def _asked(error: DataError) -> DataError:
    """Where a table lacks the column, another one can be named here; the spec is not to be changed."""
    if not error.message.startswith("there is no column"):
        return error
    return DataError(
        error.message, corpus=error.corpus, file=error.file, row=error.row, help=_asked_help(error.help or "")
    )


def _asked_help(help: str) -> str:
    """The remedy of a corpus, without what only a spec can say."""
    if "delimiter: " in help:
        first = "delete its first row, and " if help.startswith("delete") else ""
        return f"{first}write the table with the delimiter of the run's own, or as JSON lines (`.jsonl`)"
    if help.startswith(("delete", "row ")):
        return help
    near = f"{help} " if help.startswith("did you mean") else ""
    return f"{near}name the column to read with `--column NAME`"


def _reader(path: Path, adapter: object, role: RoleColumn) -> TableAdapter[TableConfig]:
    """An adapter that asks for no other column than the one that is read."""
    form = table_format(path)
    assert form is not None
    wanted: dict[str, Any] = {"source": None, "target": role, "fields": {}, "id": None, "speaker": None}
    if isinstance(adapter, TableAdapter) and adapter.corpus == form:
        return type(adapter)(adapter.config.model_copy(update=wanted))
    print(f"note: {show(path)} is read as {form}, by its column `{show(role.column)}`", file=sys.stderr)
    catalogue = Catalogue()
    given = {"root": ".", "splits": {"train": "table"}, "target": {"label": "label"}}
    config = catalogue.config("adapter", form).model_validate(given, context=catalogue)
    if isinstance(role.column, int) and "header" in type(config).model_fields:
        wanted["header"] = False
    reader: TableAdapter[TableConfig] = catalogue.module("adapter", form)(config.model_copy(update=wanted))
    return reader


def _id_column(adapter: object) -> str | int | None:
    return adapter.config.id if isinstance(adapter, TableAdapter) else None


def _input(row: Row, path: Path, role: RoleColumn, id_column: str | int | None) -> Input:
    file = show(path)
    columns = {str(name): _plain(cell) for name, cell in row.cells.items()}
    if row.fault:
        return unread(DataError(row.fault, file=file, row=row.number, byte=row.byte), columns=columns)
    name = row.cells.get(id_column) if id_column is not None else None
    id = None if name is None else str(name)
    try:
        value, shown = _value(row, path, role)
    except BadCell as error:
        return unread(DataError(str(error), file=file, row=row.number), columns=columns)
    return Input(value, shown, file, row.number, id, columns)


def _value(row: Row, path: Path, role: RoleColumn) -> tuple[str | AudioRef | ImageRef, str]:
    """What the model reads and what it is called; files are named from the table's own folder."""
    cell = row.cells.get(role.column, "")
    if role.text is not None or role.label is not None:
        text = cell_text(row.cells, role.column) if _filled(row, role) else ""
        return text, text
    if isinstance(cell, Held):
        if cell.offset < 0:
            raise BadCell(f"column `{show(role.column)}` holds audio itself: save it as files")
        return AudioRef(Path(f"{cell.file}#{cell.offset}+{cell.length}")), cell.file
    data, named = _parts(cell)
    if data is not None and role.image is not None:
        return ImageRef(path, data), f"{path}:{row.number}"
    name = cell_text({role.column: named}, role.column)
    place = path.parent / Path(name).expanduser()
    return (_piece(row.cells, role, place) if role.audio is not None else ImageRef(place)), name


def _filled(row: Row, role: RoleColumn) -> bool:
    """Whether the column holds a text; a row that lacks the column is no empty text."""
    cell = row.cells.get(role.column, "x")
    return cell is not None and not (isinstance(cell, str) and not cell.strip())


def _plain(cell: object) -> object:
    """A cell as it can be printed; the bytes of a file are not."""
    if isinstance(cell, Held):
        return cell.file
    if isinstance(cell, bytes):
        return None
    if isinstance(cell, Mapping):
        return {str(key): _plain(value) for key, value in cell.items()}
    return [_plain(one) for one in cell] if isinstance(cell, list) else cell
