"""Reader of WebDataset's tars: Aizman, Maltby, Breuel (2019), "High Performance I/O For Large Scale Deep
Learning", arXiv:2001.01858.

Files whose paths agree up to the first dot of the last part, and that follow one another, are one example;
the rest of the path, in small letters, is the column.  Differs in that tars are read by the places of their
files, in order, never as a stream, so that the order of examples does not depend on workers.
"""

from __future__ import annotations

import io
import json
import re
import tarfile
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from pathlib import Path

import numpy as np

from seqspec.components.adapter._cells import BadCell
from seqspec.components.adapter._table import (
    IN_FILES,
    Held,
    Row,
    SyntheticRow,
    nested,
    synthetic_rows,
)
from seqspec.components.adapter._table_adapter import TableAdapter
from seqspec.data.corpus.adapter import Listing
from seqspec.data.corpus.record import BadRow, Record
from seqspec.data.corpus.tar_index import Member, members
from seqspec.data.printable import show
from seqspec.data.regular_file import open_regular
from seqspec.schema.adapter.webdataset import KEY, WebdatasetConfig
from seqspec.schema.diagnostic import DataError

MOST_AT_ONCE = 2**28
"""Bytes of a text, an image or an array; a larger one makes a bad row, and no memory is taken for it."""
MOST_FILES = 1000
"""Files of one example."""
_PARTED = re.compile(r"((?:.*/)?[^/.]+)\.([^/]+)", re.DOTALL)
_MARKED = re.compile(r"__[^/]*__")


class Webdataset(TableAdapter[WebdatasetConfig]):
    """A tar is a table: an example a row, an ending a column."""

    def rows(self, path: Path) -> Iterator[Row]:
        roles = self.config.columns().values()
        audio = frozenset(str(role.audio).lower() for role in roles if role.audio is not None)
        images = frozenset(
            str(role.column).lower() for role in roles if role.image is not None or role.mask is not None
        )
        with open_regular(path) as file:
            for number, (key, held) in enumerate(samples(members(path, corpus=self.corpus)), start=1):
                cells = Sample(file, path, key, {}, audio=audio, images=images)
                fault = _laid_out(held, cells.places)
                yield Row(number, cells, fault, held[0][1].offset)

    def listing(self, split: str) -> Listing:
        if any("." in str(role.column) for role in self.config.columns().values() if role.kind in IN_FILES):
            return super().listing(split)  # an object in JSON may name a file beside the tars
        return Listing(list(self.tables(split)), ())

    def examples(self, split: str) -> Iterator[Record | BadRow]:
        empty = True
        for found in super().examples(split):
            empty = False
            yield found
        if empty:
            first = show(next(iter(self.tables(split))))
            message = f"the tars of split `{split}` hold no file such as `0017.txt`"
            raise DataError(message, corpus=self.corpus, file=first, help=f"see `tar -tf {first}`")

    def write_synthetic(self, folder: Path, *, count: int, seed: int) -> None:
        for path, rows in synthetic_rows(self.config, folder, count=count, seed=seed):
            path.parent.mkdir(parents=True, exist_ok=True)
            with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as tar:
                for index, row in enumerate(rows):
                    self._pack(tar, folder, f"{path.stem}-{index:05d}", row)

    def _pack(self, tar: tarfile.TarFile, folder: Path, key: str, row: SyntheticRow) -> None:
        within = {name: value for name, value in row.items() if str(name).startswith("json.")}
        for value in nested(within).values():
            _add(tar, f"{key}.json", json.dumps(value, ensure_ascii=False).encode())
        for ending, value in row.items():
            if ending == KEY or ending in within:
                continue
            if (folder / str(value)).is_file() and str(value).endswith((".wav", ".png", ".npy")):
                _add(tar, f"{key}.{ending}", (folder / str(value)).read_bytes())
                (folder / str(value)).unlink()
            else:
                _add(tar, f"{key}.{ending}", str(value).encode())


class Sample(Mapping[str | int, object]):
    """The files of one example by their endings; each is read when it is asked for."""

    def __init__(
        self,
        file: io.BufferedReader,
        path: Path,
        key: str,
        places: dict[str, Member],
        *,
        audio: frozenset[str],
        images: frozenset[str],
    ) -> None:
        self.file, self.path, self.key, self.places = file, path, key, places
        self.audio, self.images = audio, images

    def __getitem__(self, column: str | int) -> object:
        if column == KEY:
            return self.key
        ending = str(column).lower()
        member = self.places[ending]
        if ending in self.audio:
            return Held(member.offset, member.size, str(self.path))
        data = self._read(member)
        if ending in self.images:
            return data
        match ending.rpartition(".")[2]:
            case "json":
                return _object(data, ending)
            case "npy":
                return _array(data, ending)
            case _:
                return _text(data, ending)

    def __contains__(self, column: object) -> bool:
        return column == KEY or str(column).lower() in self.places

    def __iter__(self) -> Iterator[str | int]:
        return iter((*self.places, KEY))

    def __len__(self) -> int:
        return len(self.places) + 1

    def _read(self, member: Member) -> bytes:
        if member.size > MOST_AT_ONCE:
            size = f"{member.size:,} bytes, and at most {MOST_AT_ONCE:,} are read"
            raise BadCell(f"`{show(member.name)}` has {size}")
        self.file.seek(member.offset)
        return self.file.read(member.size)


def samples(held: Iterable[Member]) -> Iterator[tuple[str, list[tuple[str, Member]]]]:
    """The examples of a tar: the name, and each file with its ending.  A file without one is passed over."""
    parted = (
        (found[1], found[2].lower(), member)
        for member in held
        if (found := _PARTED.fullmatch(member.name)) and not _MARKED.fullmatch(found[1])
    )
    for key, group in groupby(parted, key=lambda one: one[0]):
        taken: list[tuple[str, Member]] = []
        for _, ending, member in group:
            if len(taken) <= MOST_FILES:
                taken.append((ending, member))
        yield key, taken


def _laid_out(held: list[tuple[str, Member]], places: dict[str, Member]) -> str | None:
    """Put the files of an example under their endings; gives what is wrong with them."""
    if len(held) > MOST_FILES:
        return f"more than {MOST_FILES:,} files are called alike"
    for ending, member in held:
        if ending in places:
            return f"two files are called `{show(member.name[:200])}`"
        places[ending] = member
    return None


def _object(data: bytes, ending: str) -> object:
    try:
        return json.loads(data)
    except (RecursionError, ValueError):
        raise BadCell(f"`{show(ending)}` is no JSON") from None


def _array(data: bytes, ending: str) -> object:
    try:
        array = np.load(io.BytesIO(data), allow_pickle=False)
    except (OSError, ValueError, EOFError, MemoryError):
        raise BadCell(f"`{show(ending)}` is no array of numbers") from None
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "iuf":
        raise BadCell(f"`{show(ending)}` holds no numbers")
    return array.tolist()


def _text(data: bytes, ending: str) -> str:
    try:
        return data.decode("utf-8").removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError as error:
        raise BadCell(f"`{show(ending)}` is not UTF-8 (byte {error.start})") from None


def _add(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size = len(data)
    tar.addfile(info, io.BytesIO(data))
