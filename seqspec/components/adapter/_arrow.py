"""Rows of Arrow tables, with what Hugging Face datasets note beside them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from seqspec.components.adapter._delimited import columns_of
from seqspec.components.adapter._table import Held, Row
from seqspec.data.printable import show
from seqspec.schema.adapter._table import TableConfig
from seqspec.schema.diagnostic import DataError

BATCH_ROWS = 1024


def arrow_rows(
    batches: Iterable[Any], path: Path, *, config: TableConfig, schema: Any, file: Any = None
) -> Iterator[Row]:
    """Rows of record batches, by column name.

    Classes that are numbers get the names that the file's Hugging Face features give them.  ``file`` is the
    buffer of a mapped Arrow file: audio that it holds is not read but pointed to.
    """
    names = _class_names(schema)
    audio = _audio_columns(config) & set(schema.names)
    number = 1
    for batch in batches:
        held = {name: _held_audio(batch.column(name), path, file) for name in audio & set(batch.schema.names)}
        rest = batch.select([name for name in batch.schema.names if name not in held])
        for index, (cells, fault) in enumerate(_cells(rest, batch.num_rows, columns_of(config))):
            for name, classes in names.items():
                if name in cells:
                    cells[name] = _named(cells[name], classes)
            yield Row(number, cells | {name: values[index] for name, values in held.items()}, fault)
            number += 1


def _cells(
    batch: Any, num_rows: int, needed: Sequence[str | int]
) -> Iterator[tuple[dict[str | int, object], str | None]]:
    """Every row with what is wrong with it; a cell that Python cannot hold is none where nothing needs it.

    Nothing asks of a file that its texts are UTF-8 and its times are in the range of Python's.
    """
    if not batch.num_columns:
        yield from (({}, None) for _ in range(num_rows))
        return
    try:
        rows = batch.to_pylist()
    except (ValueError, OverflowError):
        yield from (_cells_of(batch.slice(index, 1), needed) for index in range(num_rows))
        return
    yield from ((row, None) for row in rows)


def _cells_of(row: Any, needed: Sequence[str | int]) -> tuple[dict[str | int, object], str | None]:
    cells: dict[str | int, object] = {}
    fault = None
    wanted = [str(name).partition(".")[0] for name in needed] + [str(name) for name in needed]
    for name, column in zip(row.schema.names, row.columns, strict=True):
        try:
            cells[name] = column[0].as_py()
        except (ValueError, OverflowError) as error:
            cells[name] = None
            if name in wanted:
                fault = fault or f"column `{show(name)}` is {_unheld(error)}"
    return cells, fault


def _unheld(error: Exception) -> str:
    if isinstance(error, UnicodeDecodeError):
        return f"not valid UTF-8 (byte {error.start} of it)"
    return f"beyond what can be read: {show(str(error))[:200]}"


def _class_names(schema: Any) -> dict[str, list[str]]:
    """The names of the classes of each column that is a ``ClassLabel``."""
    try:
        features = json.loads((schema.metadata or {})[b"huggingface"])["info"]["features"]
        found = {name: feature.get("names") for name, feature in features.items()}
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError):
        return {}
    sound = {name: names for name, names in found.items() if isinstance(names, list) and name in schema.names}
    return {name: names for name, names in sound.items() if all(isinstance(one, str) for one in names)}


def _named(value: object, classes: Sequence[str]) -> object:
    """A class by name; -1 is how an unlabelled row is saved."""
    if isinstance(value, bool) or not isinstance(value, int):
        return value
    return classes[value] if 0 <= value < len(classes) else None


def _audio_columns(config: TableConfig) -> set[str]:
    return {str(role.audio) for role in config.columns().values() if role.audio is not None}


def _held_audio(column: Any, path: Path, file: Any) -> list[object]:
    """Each cell as where its bytes stand in the file, or as the path that it gives in place of bytes."""
    fields = {field.name: index for index, field in enumerate(column.type)} if _nested(column) else {}
    if "bytes" not in fields:
        return list(column.to_pylist())
    child = column.field(fields["bytes"])
    paths = column.field(fields["path"]).to_pylist() if "path" in fields else [None] * len(column)
    places = _places(child, file)
    return [
        Held(*places[index], str(path)) if child[index].is_valid else paths[index]
        for index in range(len(column))
    ]


def _nested(column: Any) -> bool:
    return bool(column.type.num_fields) and hasattr(column, "field")


def _places(child: Any, file: Any) -> list[tuple[int, int]]:
    """Offset and length of each binary cell within the file; -1 where they were unpacked from it."""
    import numpy as np

    kind = {"binary": "<i4", "large_binary": "<i8"}.get(str(child.type))
    data = child.buffers()[2] if kind is not None else None
    if file is None or data is None or not file.address <= data.address < file.address + file.size:
        return [(-1, 0)] * len(child)
    ends = np.frombuffer(child.buffers()[1], kind)[child.offset : child.offset + len(child) + 1]
    starts = (ends[:-1] + (data.address - file.address)).tolist()
    return list(zip(starts, np.diff(ends).tolist(), strict=True))


def top_columns(needed: Sequence[str | int], held: Sequence[str], path: Path, corpus: str) -> list[str]:
    """The columns of the file that must be read; ``a.b`` needs ``a`` where no column has that whole name."""
    wanted = [str(name) if str(name) in held else str(name).partition(".")[0] for name in needed]
    for name, column in zip(needed, wanted, strict=True):
        if column not in held:
            has = ", ".join(f"`{show(other)}`" for other in held[:20])
            raise DataError(
                f"there is no column `{show(name)}`; the file has {has}", corpus=corpus, file=show(path)
            )
    return list(dict.fromkeys(wanted))
