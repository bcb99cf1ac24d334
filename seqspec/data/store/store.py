"""A store: columns of numbers or of ragged arrays, written row by row, memory-mapped when read.

``<column>.data`` holds the values, little-endian; ``<column>.offsets`` of a ragged column holds where each
row starts, in elements, as int64, one more than there are rows.  While it grows, ``journal.json`` holds how
much of every file is known to be on disk, and its SHA-256: what lies beyond is cut off when writing goes on.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from itertools import chain, pairwise
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np

from seqspec.data.store.durable import write_json

JOURNAL = "journal.json"
MANIFEST = "manifest.json"


@dataclass(frozen=True)
class Column:
    """What one column holds."""

    dtype: str
    """numpy's name, such as ``int32``."""
    ragged: bool = True
    """Rows of differing lengths."""
    width: int = 0
    """Numbers in one element, which is then a vector; 0 where elements are plain numbers."""


class Ragged(NamedTuple):
    """Rows joined end to end and the length of each, in elements."""

    flat: np.ndarray
    lengths: np.ndarray


class Rows(NamedTuple):
    """Rows of differing lengths, each an array of its own, which are written without being joined."""

    arrays: Sequence[np.ndarray]

    @property
    def lengths(self) -> np.ndarray:
        """Elements of each."""
        return np.fromiter(map(len, self.arrays), np.int64, len(self.arrays))


TEXT = Column("uint8")
"""UTF-8."""


AT_ONCE = 1 << 20
"""Rows of a whole column that are worked on at once, so that memory does not grow with the corpus."""


def blocks(rows: int, size: int | None = None) -> Iterator[tuple[int, int]]:
    """``(start, stop)`` of consecutive blocks of ``size`` rows, or of ``AT_ONCE``."""
    size = size or AT_ONCE
    return ((start, min(start + size, rows)) for start in range(0, rows, size))


def ragged(rows: Sequence[Any], dtype: str) -> Ragged:
    """Rows of numbers as a ragged block."""
    lengths = np.fromiter((len(row) for row in rows), np.int64, len(rows))
    if rows and isinstance(rows[0], list):
        flat = np.fromiter(chain.from_iterable(rows), dtype, int(lengths.sum()))
    else:
        flat = np.concatenate([np.asarray(row, dtype) for row in rows]) if rows else np.empty(0, dtype)
    return Ragged(flat.astype(dtype, copy=False), lengths)


def ragged_text(rows: Sequence[str]) -> Ragged:
    """Strings as UTF-8; lone surrogates, which JSON can carry, are kept."""
    return ragged_bytes([row.encode("utf-8", "surrogatepass") for row in rows])


def ragged_bytes(rows: Sequence[bytes]) -> Ragged:
    """Rows of bytes as a ragged block."""
    lengths = np.fromiter(map(len, rows), np.int64, len(rows))
    return Ragged(np.frombuffer(b"".join(rows), np.uint8), lengths)


class StoreWriter:
    """Appends blocks of rows.  Goes on where an earlier writer of the same folder last committed."""

    def __init__(self, folder: Path, columns: Mapping[str, Column]) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.columns = dict(columns)
        self.rows = 0
        self.state: dict[str, Any] = {}
        self.resumed = False
        """Whether an earlier writer committed here; one that commits once has then written everything."""
        self._ends = dict.fromkeys(columns, 0)
        self._hashes: dict[str, str] = {}
        """SHA-256 of the files as they were found; of those that grow, ``_running`` knows it."""
        self._running: dict[str, Any] = {}
        sizes = self._journal()
        self._files = {name: self._open(name, sizes.get(name, 0)) for name in self._names()}
        for name, column in columns.items():
            if column.ragged and not sizes:
                self._write(f"{name}.offsets", np.zeros(1, "<i8").data.cast("B"))

    def append(self, blocks: Mapping[str, Ragged | Rows | np.ndarray]) -> None:
        """Add as many rows to every column."""
        counts = {len(block if isinstance(block, np.ndarray) else block.lengths) for block in blocks.values()}
        assert blocks.keys() == self.columns.keys(), "every column grows by the same rows"
        assert len(counts) == 1, "every column grows by the same rows"
        for name, block in blocks.items():
            self._append(name, block)
        self.rows += counts.pop()

    def elements(self, name: str) -> int:
        """Elements of a ragged column so far."""
        return int(self._ends[name])

    def commit(self, **state: Any) -> None:
        """Make all rows so far, and ``state``, survive whatever comes."""
        for file in self._files.values():
            file.flush()
            os.fsync(file.fileno())
        self.state = state
        sizes = {name: file.tell() for name, file in self._files.items()}
        self._hashes |= {name: running.hexdigest() for name, running in self._running.items()}
        columns = {name: asdict(column) for name, column in self.columns.items()}
        journal = {
            "rows": self.rows,
            "sizes": sizes,
            "sha256": {name: found for name, found in self._hashes.items() if sizes[name]},
            "ends": self._ends,
            "state": state,
            "columns": columns,
        }
        write_json(self.folder / JOURNAL, journal)

    def close(self) -> None:
        """Close the files; what was not committed counts for nothing."""
        for file in self._files.values():
            file.close()

    def __enter__(self) -> StoreWriter:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _names(self) -> list[str]:
        ragged_ones = [name for name, column in self.columns.items() if column.ragged]
        return [f"{name}.data" for name in self.columns] + [f"{name}.offsets" for name in ragged_ones]

    def _journal(self) -> dict[str, int]:
        """Sizes on disk of a writer that was interrupted; none where there was none, or its rows were
        of another kind.
        """
        try:
            journal = json.loads((self.folder / JOURNAL).read_bytes())
        except (FileNotFoundError, ValueError):
            return {}
        sizes: dict[str, int] = journal["sizes"]
        whole = all(
            (self.folder / name).exists() and (self.folder / name).stat().st_size >= size
            for name, size in sizes.items()
        )
        if not whole or journal["columns"] != {name: asdict(column) for name, column in self.columns.items()}:
            return {}
        self.rows, self.state, self._ends = journal["rows"], journal["state"], journal["ends"]
        self._hashes = journal.get("sha256", {})
        self.resumed = True
        return sizes

    def _open(self, name: str, size: int) -> BinaryIO:
        file = (self.folder / name).open("r+b" if size else "wb")
        file.truncate(size)
        file.seek(size)
        return file

    def _append(self, name: str, block: Ragged | Rows | np.ndarray) -> None:
        dtype = np.dtype(self.columns[name].dtype).newbyteorder("<")
        if not isinstance(block, np.ndarray):
            ends = self._ends[name] + np.cumsum(block.lengths, dtype=np.int64)
            if len(ends):
                self._ends[name] = int(ends[-1])
            self._write(f"{name}.offsets", ends.astype("<i8").view(np.uint8).data)
        for array in _arrays(block):
            self._write(f"{name}.data", np.ascontiguousarray(array, dtype).reshape(-1).view(np.uint8).data)

    def _write(self, name: str, data: memoryview) -> None:
        """Writes, and hashes while the bytes are still in the cache of the core."""
        running = self._running.get(name)
        if running is None:
            running = self._running[name] = self._so_far(name)
        self._files[name].write(data)
        running.update(data)

    def _so_far(self, name: str) -> Any:
        """The hash of what an earlier writer committed."""
        size = self._files[name].tell()
        if not size:
            return hashlib.sha256()
        with (self.folder / name).open("rb") as file:
            return hashlib.file_digest(file, "sha256")


def _arrays(block: Ragged | Rows | np.ndarray) -> Sequence[np.ndarray]:
    """What is written one after the other."""
    if isinstance(block, Rows):
        return block.arrays
    return [block.flat if isinstance(block, Ragged) else block]


class Store:
    """A finished store.  Opening reads the manifest only; a column is mapped when it is first asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """What was written when the store was finished."""
        found: dict[str, Any] = json.loads((self.folder / MANIFEST).read_bytes())
        return found

    @property
    def rows(self) -> int:
        """Rows of every column."""
        return int(self.manifest["rows"])

    @property
    def state(self) -> dict[str, Any]:
        """What the writer noted beside the rows."""
        found: dict[str, Any] = self.manifest["state"]
        return found

    def __contains__(self, name: str) -> bool:
        return name in self.manifest["columns"]

    def values(self, name: str) -> np.ndarray:
        """All values of a column; ``[elements]`` or ``[elements, width]``."""
        return self._mapped(name)[0]

    def offsets(self, name: str) -> np.ndarray:
        """Where each row of a ragged column starts, and the end of the last."""
        found = self._mapped(name)[1]
        assert found is not None, f"column {name} is not ragged"
        return found

    def row(self, name: str, index: int) -> np.ndarray:
        """One row of a ragged column."""
        values, offsets = self._mapped(name)
        assert offsets is not None
        return values[offsets[index] : offsets[index + 1]]

    def rows_of(self, name: str, indices: np.ndarray) -> list[np.ndarray]:
        """Some rows of a ragged column."""
        values, offsets = self._mapped(name)
        assert offsets is not None
        starts, ends = offsets[indices].tolist(), offsets[indices + 1].tolist()
        return [values[start:end] for start, end in zip(starts, ends, strict=True)]

    def stacked(self, name: str, indices: np.ndarray, *, size: int) -> np.ndarray:
        """``[B, size]``: some rows of a ragged column, each of ``size`` elements."""
        values, offsets = self._mapped(name)
        assert offsets is not None
        # `sliding_window_view` of numpy, whose checks take longer than to copy the rows
        windows = (len(values) - size + 1, size)
        held = np.ndarray(windows, values.dtype, buffer=values, strides=values.strides * 2)
        found: np.ndarray = held[offsets[indices]]
        return found

    def text(self, name: str, index: int) -> str:
        """One row of a column of text."""
        return self.row(name, index).tobytes().decode("utf-8", "surrogatepass")

    def texts(self, name: str, start: int, stop: int) -> list[str]:
        """Rows ``start`` to ``stop`` of a column of text."""
        values, offsets = self._mapped(name)
        assert offsets is not None
        bounds = offsets[start : stop + 1].tolist()
        block = values[bounds[0] : bounds[-1]].tobytes()
        first = bounds[0]
        return [block[a - first : b - first].decode("utf-8", "surrogatepass") for a, b in pairwise(bounds)]

    @cached_property
    def _maps(self) -> dict[str, tuple[np.ndarray, np.ndarray | None]]:
        return {}

    def _mapped(self, name: str) -> tuple[np.ndarray, np.ndarray | None]:
        found = self._maps.get(name)
        if found is None:
            column = Column(**self.manifest["columns"][name])
            values = mapped(self.folder / f"{name}.data", column.dtype)
            if column.width:
                values = values.reshape(-1, column.width)
            found = (values, mapped(self.folder / f"{name}.offsets", "int64") if column.ragged else None)
            self._maps[name] = found
        return found

    def __reduce__(self) -> tuple[type[Store], tuple[Path]]:
        return Store, (self.folder,)


def mapped(path: Path, dtype: str) -> np.ndarray:
    """The numbers of a file without reading them; an empty file cannot be mapped and is an empty array."""
    kind = np.dtype(dtype).newbyteorder("<")
    if path.stat().st_size == 0:
        return np.empty(0, kind)
    return np.asarray(np.memmap(path, kind, "r"))  # a plain array: slices of a ``memmap`` cost far more
