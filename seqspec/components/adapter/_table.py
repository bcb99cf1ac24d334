"""From rows to records: which cell plays which role, and what makes a row bad."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

from seqspec.components.adapter._arrays import NUMBERS, array_of, number_of, synthetic_numbers
from seqspec.components.adapter._cells import BadCell, Cells, cell_label, cell_text, look_up, real_of
from seqspec.components.adapter._synthetic_image import image
from seqspec.components.adapter._synthetic_speech import speak, voice, write_audio
from seqspec.components.adapter._synthetic_text import Meaning, draw, generator, render
from seqspec.components.adapter._write import concrete
from seqspec.data.corpus.adapter import Adapter, synthetic_count
from seqspec.data.corpus.audio import AudioReader, file_rate
from seqspec.data.corpus.images import read_image, read_mask, write_image
from seqspec.data.corpus.lines import Line
from seqspec.data.corpus.record import AudioRef, BadRow, Record
from seqspec.data.json_keys import RepeatedKey, once
from seqspec.data.printable import show
from seqspec.schema.adapter._adapter import Language, ordered, patterns
from seqspec.schema.adapter._table import RoleColumn, TableConfig
from seqspec.schema.diagnostic import DataError

SyntheticRow = dict[str | int, str]
IN_FILES = ("audio", "image", "mask", "vector", "frames", "integers", "floats")
"""Kinds whose cells may name a file."""
LONGEST_SECONDS = 10_000_000
"""A recording of four months; a time beyond it is no time in seconds."""
BEGINNINGS = ("offset", "start")
"""Where rows of NeMo and of lhotse say that a piece begins, beside its ``duration``."""


class Row(NamedTuple):
    """A row of a table; ``fault`` says why it could not be read."""

    number: int
    cells: Cells
    fault: str | None = None
    byte: int | None = None
    remedy: str = ""
    """What mends all rows like this one, where something does."""


class Held(NamedTuple):
    """A file that another one holds: where it stands there in bytes, and what it is held by."""

    offset: int
    """-1 where the bytes do not stand in the file as they are."""
    length: int
    file: str


def column_audio(column: RoleColumn, corpus: str) -> AudioReader | None:
    """How the recordings of a column are read, where it holds any."""
    if column.audio is None or column.rate is None:
        return None
    one = column.channel if isinstance(column.channel, int) else None
    mix_down = column.channel == "mean"
    return AudioReader(column.rate, resample=column.resample, mix_down=mix_down, channel=one, corpus=corpus)


def table_records(
    adapter: Adapter[TableConfig], path: Path, rows: Iterable[Row]
) -> Iterator[Record | BadRow]:
    """Records of one file's rows."""
    config = adapter.config
    roles = config.columns()
    name, file = path.relative_to(adapter.root).as_posix(), str(path)
    for row in rows:
        place = f"{name}:{row.number}"
        if row.fault:
            yield BadRow(place, row.fault, file, row.number, row.byte, row.remedy)
            continue
        try:
            record: Record = {"id": place if config.id is None else cell_text(row.cells, config.id)}
            for role, column in roles.items():
                record[role] = _value(adapter, row.cells, column)
            if config.speaker is not None:
                record["speaker"] = cell_text(row.cells, config.speaker)
        except BadCell as error:
            yield BadRow(place, str(error), file, row.number, remedy=error.remedy)
            continue
        yield record | {"file": file, "row": row.number}


def named_files(adapter: Adapter[TableConfig], rows: Iterable[Row]) -> Iterator[Path]:
    """The recordings, images and arrays that rows name, whether they are there or not."""
    columns = [one.column for one in adapter.config.columns().values() if one.kind in IN_FILES]
    for row in rows if columns else ():
        for column in columns:
            try:
                data, name = _parts(look_up(row.cells, column))
            except BadCell:
                continue
            path = adapter.inside(name) if data is None and isinstance(name, str) else None
            if path is not None:
                yield path


def json_row(line: Line) -> Row:
    """The row of a line that holds a JSON object."""
    if line.fault:
        return Row(line.row, {}, line.fault, line.byte)
    try:
        value = json.loads(line.text, object_pairs_hook=once)
    except RepeatedKey as twice:
        return Row(line.row, {}, f"the key `{show(twice.key[:40])}` is given twice", line.byte)
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
            below = at.setdefault(key, {})
            assert isinstance(below, dict)  # the synthetic rows' own keys
            at = below
        at[last] = value
    return whole


def _row(config: TableConfig, folder: Path, name: str, rng: random.Random) -> SyntheticRow:
    meaning = draw(rng)
    speaker = f"speaker{rng.randrange(8)}"
    row: SyntheticRow = {}
    for column in config.columns().values():
        row |= _cells(column, meaning, folder, name, spoken=_spoken(config))
    if config.speaker is not None:
        row[config.speaker] = speaker
    if config.id is not None:
        row[config.id] = name
    return row


def _spoken(config: TableConfig) -> Language:
    """The language that synthetic recordings are spoken in: the target's, else Japanese."""
    return (config.target.language if config.target is not None else None) or "ja"


def _cells(
    column: RoleColumn, meaning: Meaning, folder: Path, name: str, *, spoken: Language
) -> SyntheticRow:
    """What stands in the columns of one role."""
    if column.label is not None:
        return {column.label: f"verb{meaning.verb}"}
    if column.text is not None:
        return {column.text: render(meaning, column.language or "en")}
    if column.kind in NUMBERS:
        return {column.column: synthetic_numbers(column, generator(name, column.column), folder, name)}
    rng, rate = generator(name, *meaning), column.rate or 16_000
    if column.audio is None:
        return {column.column: _draw(column, meaning, folder, name)}
    samples = speak(render(meaning, spoken), voice(rng), rate=rate, rng=rng)
    lead = 0 if column.start is None else rate // 10
    path = f"{_folder(column)}/{name}.wav"
    write_audio(folder / path, np.pad(samples, (lead, 0)), rate=rate)
    times = {column.start: f"{lead / rate:.6f}", column.duration: f"{len(samples) / rate:.6f}"}
    return {
        column.column: path,
        **{key: time for key, time in times.items() if key is not None},
    }


def _draw(column: RoleColumn, meaning: Meaning, folder: Path, name: str) -> str:
    """A synthetic image or mask of a row, by its path; what the row means decides where its class lies."""
    height, width = column.height or 1, column.width or 1
    if column.classes is not None:
        pixels = np.zeros((1, height, width), np.uint8)
        pixels[:, : height // 2 + 1] = meaning.verb % column.classes
    else:
        rng = generator(name, *meaning)
        pixels = image(meaning.verb, rng, channels=column.channels or 3, height=height, width=width)
    path = f"{_folder(column)}/{name}.png"
    write_image(folder / path, pixels)
    return path


def _folder(column: RoleColumn) -> str:
    """Where the synthetic files of a column stand: apart from those of another column of its kind."""
    usual = {"audio": "audio", "image": "images", "mask": "masks"}[column.kind]
    return usual if column.column in (usual, column.kind) else f"{usual}/{column.column}"


def _value(adapter: Adapter[TableConfig], cells: Cells, column: RoleColumn) -> object:
    if column.label is not None:
        return cell_label(cells, column.label)
    if column.text is not None:
        return cell_text(cells, column.text)
    value = look_up(cells, column.column)
    if column.kind in NUMBERS:
        return number_of(value, column) if column.number is not None else array_of(adapter, value, column)
    if isinstance(value, Held) and value.offset < 0:
        raise BadCell(
            f"column `{show(column.column)}` holds audio itself, which is read from Arrow files that are not "
            "compressed: save it by `save_to_disk`, or as files"
        )
    if isinstance(value, Held):
        return AudioRef(Path(f"{value.file}#{value.offset}+{value.length}"))
    data, name = _parts(value)
    if data is not None and column.audio is None:
        return _image(adapter, column, adapter.root, data)
    text = cell_text({column.column: name}, column.column)
    path = adapter.inside(text)
    if path is None:
        raise BadCell(adapter.outside(text))
    return _piece(cells, column, path) if column.audio is not None else _image(adapter, column, path, None)


def _piece(cells: Cells, column: RoleColumn, path: Path) -> AudioRef:
    """The recording, or what ``start`` and ``duration`` cut out of it, in samples of the file."""
    if column.start is None:
        _refuse_pieces(cells)
    if column.start is None and column.duration is None:
        return AudioRef(path)
    assert column.rate is not None
    start = 0.0 if column.start is None else _seconds(cells, column.start)
    end = None if column.duration is None else start + _seconds(cells, column.duration)
    try:
        rate = file_rate(path) if column.resample else column.rate
    except DataError as error:
        raise BadCell(f"{error.message}: `{error.file}`") from None
    return AudioRef(path, round(start * rate), None if end is None else round(end * rate))


def _refuse_pieces(cells: Cells) -> None:
    """A row that says where its piece begins must not stand for the whole recording."""
    for name in BEGINNINGS if "duration" in cells else ():
        try:
            begins = _seconds(cells, name)
        except BadCell:
            continue
        if begins:
            raise BadCell(
                f"the row is a piece of its recording, {begins:g} s (`{name}`) after its start, and nothing "
                f"reads that: add `start: {name}, duration: duration` to the role"
            )


def _seconds(cells: Cells, column: str | int) -> float:
    seconds = real_of(look_up(cells, column))
    if not 0 <= seconds < LONGEST_SECONDS:
        raise BadCell(f"column `{show(column)}` holds no time in seconds")
    return seconds


def _parts(value: object) -> tuple[bytes | None, object]:
    """The bytes of a file, or its path: how Hugging Face datasets keep images and audio."""
    if isinstance(value, bytes):
        return value, None
    if not isinstance(value, Mapping):
        return None, value
    data = value.get("bytes")
    return (data, None) if isinstance(data, bytes) else (None, value.get("path"))


def _image(adapter: Adapter[TableConfig], column: RoleColumn, path: Path, data: bytes | None) -> object:
    assert column.height is not None
    assert column.width is not None
    try:
        if column.classes is not None:
            return read_mask(
                path,
                classes=column.classes,
                height=column.height,
                width=column.width,
                resize=column.resize,
                corpus=adapter.corpus,
                data=data,
                ignore=column.ignore,
            )
        return read_image(
            path,
            channels=column.channels or 3,
            height=column.height,
            width=column.width,
            resize=column.resize,
            corpus=adapter.corpus,
            data=data,
        )
    except DataError as error:
        if not error.file:  # not a fault of the image: Pillow is not there
            raise
        held = "" if data is not None else f": `{error.file}`"
        raise BadCell(f"{error.message}{held}", error.help or "") from None
