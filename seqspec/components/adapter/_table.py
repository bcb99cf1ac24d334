"""From rows to records: which cell plays which role, and what makes a row bad."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from seqspec.components.adapter._synthetic_image import picture
from seqspec.components.adapter._synthetic_speech import speak, voice, write_audio
from seqspec.components.adapter._synthetic_text import Meaning, draw, generator, render
from seqspec.components.adapter._write import concrete
from seqspec.data.adapter import Adapter, synthetic_count
from seqspec.data.audio import AudioReader
from seqspec.data.lines import Line, show
from seqspec.data.pictures import read_picture, write_picture
from seqspec.data.record import AudioRef, BadRow, Record
from seqspec.schema.adapter_config import ordered, patterns
from seqspec.schema.diagnostic import DataError
from seqspec.schema.table_config import RoleColumn, TableConfig

Cells = Mapping[str | int, object]
SyntheticRow = dict[str | int, str]


class Row(NamedTuple):
    """A row of a table; ``fault`` says why it could not be read."""

    number: int
    cells: Cells
    fault: str | None = None
    byte: int | None = None


class Held(NamedTuple):
    """A file that another one holds: where it stands there in bytes, and what it is held by."""

    offset: int
    """-1 where the bytes do not stand in the file as they are."""
    length: int
    file: str


class BadCell(Exception):
    """A cell is not what its column promises."""


def table_audio(config: TableConfig, corpus: str) -> AudioReader | None:
    """How the audio column is read, where there is one."""
    for role in _roles(config).values():
        if role.audio is not None and role.rate is not None:
            return AudioReader(role.rate, resample=role.resample, corpus=corpus)
    return None


def table_records(
    adapter: Adapter[TableConfig], path: Path, rows: Iterable[Row]
) -> Iterator[Record | BadRow]:
    """Records of one file's rows."""
    config = adapter.config
    roles = _roles(config)
    name, file = path.relative_to(adapter.root).as_posix(), str(path)
    for row in rows:
        place = f"{name}:{row.number}"
        if row.fault:
            yield BadRow(place, row.fault, file, row.number, row.byte)
            continue
        try:
            record: Record = {"id": place if config.id is None else cell_text(row.cells, config.id)}
            for role, column in roles.items():
                record[role] = _value(adapter, row.cells, column)
            if config.speaker is not None:
                record["speaker"] = cell_text(row.cells, config.speaker)
        except BadCell as error:
            yield BadRow(place, str(error), file, row.number)
            continue
        yield record | {"file": file, "row": row.number}


def json_row(line: Line) -> Row:
    """The row of a line that holds a JSON object."""
    if line.fault:
        return Row(line.row, {}, line.fault, line.byte)
    try:
        value = json.loads(line.text)
    except json.JSONDecodeError as error:
        return Row(
            line.row, {}, f"the line is not JSON: {error.msg.lower()} at column {error.colno}", line.byte
        )
    except (RecursionError, ValueError):
        return Row(line.row, {}, "the line is JSON of hostile depth or size", line.byte)
    if not isinstance(value, dict):
        return Row(line.row, {}, f"the line holds a JSON {type(value).__name__}, not an object", line.byte)
    return Row(line.row, value)


def synthetic_rows(
    config: TableConfig, folder: Path, *, count: int, seed: int
) -> Iterator[tuple[Path, list[SyntheticRow]]]:
    """Files of a synthetic table with their rows; audio files are written on the way."""
    for split in ordered(config.splits):
        for pattern in patterns(config.splits[split]):
            path = folder / concrete(pattern)
            rng = generator("table", seed, split, pattern)
            names = [f"{path.stem}-{index:05d}" for index in range(synthetic_count(split, count))]
            yield path, [_row(config, folder, name, rng) for name in names]


def nested(row: SyntheticRow) -> dict[str, object]:
    """Keys such as ``a.b`` as objects within objects."""
    whole: dict[str, object] = {}
    for name, value in row.items():
        *outer, last = str(name).split(".")
        at = whole
        for key in outer:
            at = at.setdefault(key, {})  # type: ignore[assignment]
        at[last] = value
    return whole


def _row(config: TableConfig, folder: Path, name: str, rng: random.Random) -> SyntheticRow:
    meaning = draw(rng)
    speaker = f"speaker{rng.randrange(8)}"
    row = {column.column: _cell(column, meaning, folder, name) for column in _roles(config).values()}
    if config.speaker is not None:
        row[config.speaker] = speaker
    if config.id is not None:
        row[config.id] = name
    return row


def _cell(column: RoleColumn, meaning: Meaning, folder: Path, name: str) -> str:
    if column.label is not None:
        return f"verb{meaning.verb}"
    if column.text is not None:
        return render(meaning, column.language or "en")
    rng, rate = generator(name, *meaning), column.rate or 16_000
    if column.image is not None:
        assert column.height is not None
        assert column.width is not None
        shape = {"channels": column.channels or 3, "height": column.height, "width": column.width}
        write_picture(folder / "images" / f"{name}.png", picture(meaning.verb, rng, **shape))
        return f"images/{name}.png"
    samples = speak(render(meaning, "ja"), voice(rng), rate=rate, rng=rng)
    write_audio(folder / "audio" / f"{name}.wav", samples, rate=rate)
    return f"audio/{name}.wav"


def _roles(config: TableConfig) -> dict[str, RoleColumn]:
    return {**({"source": config.source} if config.source is not None else {}), "target": config.target}


def _value(adapter: Adapter[TableConfig], cells: Cells, column: RoleColumn) -> object:
    if column.label is not None:
        return cell_label(cells, column.label)
    if column.text is not None:
        return cell_text(cells, column.text)
    value = _look_up(cells, column.column)
    if isinstance(value, Held) and value.offset < 0:
        raise BadCell(
            f"column `{show(column.column)}` holds audio itself, which is read from Arrow files that are not "
            "compressed: save it by `save_to_disk`, or as files"
        )
    if isinstance(value, Held):
        return AudioRef(Path(f"{value.file}#{value.offset}+{value.length}"))
    data, name = _parts(value)
    if data is not None and column.image is not None:
        return _picture(adapter, column, adapter.root, data)
    text = cell_text({column.column: name}, column.column)
    path = adapter.inside(text)
    if path is None:
        raise BadCell(f"the path `{show(text[:100])}` leads out of the corpus folder")
    return AudioRef(path) if column.audio is not None else _picture(adapter, column, path, None)


def _parts(value: object) -> tuple[bytes | None, object]:
    """The bytes of a file, or its path: how Hugging Face datasets keep pictures and audio."""
    if isinstance(value, bytes):
        return value, None
    if not isinstance(value, Mapping):
        return None, value
    data = value.get("bytes")
    return (data, None) if isinstance(data, bytes) else (None, value.get("path"))


def _picture(adapter: Adapter[TableConfig], column: RoleColumn, path: Path, data: bytes | None) -> object:
    assert column.height is not None
    assert column.width is not None
    try:
        return read_picture(
            path, channels=column.channels or 3, height=column.height, width=column.width,
            resize=column.resize, corpus=adapter.corpus, data=data,
        )  # fmt: skip
    except DataError as error:
        if not error.file:  # not a fault of the picture: Pillow is not there
            raise
        held = "" if data is not None else f": `{error.file}`"
        raise BadCell(f"{error.message}{held}") from None


def cell_label(cells: Cells, column: str | int) -> str:
    """A cell as the name of a class; JSON's truth values are ``true`` and ``false``."""
    value = _look_up(cells, column)
    return str(value).lower() if isinstance(value, bool) else cell_text(cells, column)


def cell_text(cells: Cells, column: str | int) -> str:
    """A cell that holds text, or a number, which is taken as it is written."""
    value = _look_up(cells, column)
    if isinstance(value, bool) or not isinstance(value, str | int):
        kind = "empty" if value is None else f"a {type(value).__name__}"
        raise BadCell(f"column `{show(column)}` is {kind}, not text")
    text = str(value)
    if not text.strip():
        raise BadCell(f"column `{show(column)}` is empty")
    return text


def _look_up(cells: Cells, column: str | int) -> object:
    if column in cells:
        return cells[column]
    value: object = cells
    for part in str(column).split("."):
        if not isinstance(value, Mapping) or part not in value:
            has = ", ".join(f"`{show(str(name)[:40])}`" for name in list(cells)[:8])
            raise BadCell(f"there is no column `{show(column)}`" + (f"; the row has {has}" if has else ""))
        value = value[part]
    return value
