"""Reader of MAESTRO's MIDI files."""

from __future__ import annotations

import csv
import json
import random
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from seqspec.components.adapter._synthetic_text import generator
from seqspec.components.adapter._write import write_bytes, write_lines
from seqspec.data.corpus.adapter import Adapter, synthetic_count
from seqspec.data.corpus.lines import Line, read_lines, whole_texts
from seqspec.data.corpus.music.midi import SUFFIXES, BadMidi, Note, midi_bytes, read_midi
from seqspec.data.corpus.music.performance import events_of
from seqspec.data.corpus.record import BadRow, Record
from seqspec.data.printable import show
from seqspec.schema.adapter.maestro import MaestroConfig
from seqspec.schema.diagnostic import DataError
from seqspec.schema.types import Performance

_NAMES = {"train": "train", "dev": "validation", "test": "test"}
_COLUMNS = (
    "canonical_composer",
    "canonical_title",
    "split",
    "year",
    "midi_filename",
    "audio_filename",
    "duration",
)
_SCALE = (0, 2, 4, 5, 7, 9, 11, 12)


class _Row(NamedTuple):
    """One line of the table."""

    number: int
    split: str
    name: str
    composer: str
    undecoded: Line | None = None
    """Where the row is not UTF-8."""


class Maestro(Adapter[MaestroConfig]):
    """Pieces in the order of the table."""

    def splits(self) -> tuple[str, ...]:
        return tuple(_NAMES)

    def files(self, split: str) -> Iterator[Path]:
        table = self._table()
        yield table
        paths = (self.inside(row.name, below=table.parent) for row in self._rows(split, table))
        yield from sorted({path for path in paths if path is not None and path.is_file()})

    def examples(self, split: str) -> Iterator[Record | BadRow]:
        table = self._table()
        for row in self._rows(split, table):
            line = row.undecoded
            if line is not None:
                yield BadRow(f"{table.name}:{line.row}", str(line.fault), str(table), line.row, line.byte)
                continue
            path = self.inside(row.name, below=table.parent)
            if path is None:
                yield BadRow(f"{table.name}:{row.number}", self.outside(row.name), str(table), row.number)
                continue
            for record in self._pieces(path, row.name):
                yield record if isinstance(record, BadRow) else record | {"composer": row.composer}

    def records_of(self, path: Path) -> Iterator[Record | BadRow] | None:
        return self._pieces(path, path.stem) if path.suffix.lower() in SUFFIXES else None

    def _pieces(self, path: Path, name: str) -> Iterator[Record | BadRow]:
        """The events of one file, whole or in parts."""
        kind = self.config.roles()["target"]
        assert isinstance(kind, Performance)
        try:
            events = list(events_of(read_midi(path, sustain=self.config.sustain), kind))
        except BadMidi as error:
            yield BadRow(name, str(error), str(path))
            return
        except OSError as error:
            yield BadRow(name, f"`{show(name)}` cannot be read: {error.strerror}", str(path))
            return
        size = self.config.piece or len(events)
        for start in range(0, len(events), size):
            id = f"{name}:{start}" if self.config.piece else name
            yield {"id": id, "target": " ".join(events[start : start + size]), "file": str(path)}

    def _table(self) -> Path:
        home = self.home("maestro-v3.0.0")
        for pattern in ("maestro*.csv", "maestro*.json"):
            found = sorted(path for path in home.glob(pattern) if path.is_file())
            if len(found) > 1:
                both = " and ".join(f"`{show(path.name)}`" for path in found[:2])
                raise DataError(f"there are {both}", corpus=self.corpus, help="leave one table in the folder")
            if found:
                return found[0]
        raise self.missing(f"there is no `maestro-v*.csv` below `{show(home)}`")

    def _rows(self, split: str, table: Path) -> Iterator[_Row]:
        rows = self._of_csv(table) if table.suffix == ".csv" else self._of_json(table)
        found = False
        for row in rows:
            if row.split not in _NAMES.values() and row.undecoded:
                row = row._replace(split=_NAMES["train"])  # counted once, wherever it belongs
            if row.split not in _NAMES.values():
                raise self._unread(table, row.number, f"`{show(row.split)}` is no split")
            if row.split == _NAMES[split]:
                found = True
                yield row
        if not found:
            raise self.missing(f"`{show(table.name)}` has no row of the split `{_NAMES[split]}`")

    def _of_csv(self, table: Path) -> Iterator[_Row]:
        undecoded: list[Line] = []
        reader = csv.DictReader(self._texts(table, undecoded))
        try:
            for cells in reader:
                row = self._row(cells, table, reader.line_num)
                yield row._replace(undecoded=undecoded[0]) if undecoded else row
                undecoded.clear()
        except csv.Error as error:
            raise self._unread(table, reader.line_num, str(error)) from None

    def _texts(self, table: Path, undecoded: list[Line]) -> Iterator[str]:
        for line in read_lines(table, corpus=self.corpus):
            if line.fault:
                undecoded.append(line)
            yield line.text

    def _of_json(self, table: Path) -> Iterator[_Row]:
        """An object of columns, each an object from the row's number to its cell; up to version 2 a list of
        rows.
        """
        text = "\n".join(whole_texts(table, corpus=self.corpus))
        try:
            held = json.loads(text)
            rows = held if isinstance(held, list) else _rows_of(held)
            for number, cells in enumerate(rows, 1):
                yield self._row(cells, table, number)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            raise self._unread(
                table, None, "it holds neither columns nor rows with `midi_filename`"
            ) from None

    def _row(self, cells: Mapping[str, object], table: Path, number: int) -> _Row:
        name, split = cells.get("midi_filename"), cells.get("split")
        if not isinstance(name, str) or not isinstance(split, str):
            raise self._unread(table, number, "there is no `midi_filename`, or no `split`")
        return _Row(number, split, name, str(cells.get("canonical_composer") or ""))

    def _unread(self, table: Path, number: int | None, why: str) -> DataError:
        help = "the table has the columns `midi_filename` and `split` (train, validation or test)"
        return DataError(why, corpus=self.corpus, file=show(table), row=number, help=help)

    def write_synthetic(self, folder: Path, *, count: int, seed: int) -> None:
        """Pieces of a scale that goes up and down from a key of its own, over a bass that follows it."""
        lines = [",".join(_COLUMNS)]
        for split in self.splits():
            rng = generator("maestro", seed, split)
            for index in range(synthetic_count(split, count)):
                notes = _melody(rng)
                name = f"2004/{split}_{index:04d}.midi"
                write_bytes(folder / "maestro-v3.0.0" / name, midi_bytes(notes))
                title = f'"Scale no. {index}, ""up and down"""'
                length = f"{notes[-1].end:.6f}"
                lines.append(f"Anonymous,{title},{_NAMES[split]},2004,{name},{name[:-5]}.wav,{length}")
        write_lines(folder / "maestro-v3.0.0" / "maestro-v3.0.0.csv", lines)


def _rows_of(columns: Mapping[str, Mapping[str, object]]) -> Iterator[Mapping[str, object]]:
    for key in columns["midi_filename"]:
        yield {name: column.get(key) for name, column in columns.items()}


def _melody(rng: random.Random) -> list[Note]:
    root, pace, strength = rng.randrange(55, 67), rng.choice((0.2, 0.25, 0.3)), rng.randrange(50, 100)
    notes, at, place, step = [], 0.0, rng.randrange(8), 1
    for beat in range(24):
        pitch = root + _SCALE[place]
        notes.append(Note(at, at + 0.9 * pace, pitch, strength + 10 * (beat % 4 == 0)))
        if beat % 4 == 0:
            notes.append(Note(at, at + 4 * pace, pitch - 24, strength - 20))
        if not 0 <= place + step < len(_SCALE):
            step = -step
        place, at = place + step, at + pace
    return sorted(notes)
