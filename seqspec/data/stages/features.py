"""Frames of every utterance, computed once and memory-mapped.

A small corpus is read every epoch, and reading cached float32 frames costs less than decoding the audio and
computing them again; they are the very numbers that would be computed, so caching them changes no result.  A
corpus whose frames would take more than ``audio.cache_gigabytes`` is computed from its files as it is read.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from seqspec.data.corpus.drops import Drops
from seqspec.data.corpus.record import AudioRef
from seqspec.data.progress import Progress, silent
from seqspec.data.stages.handed_arrays import handed_in_order
from seqspec.data.stages.parts import Feature
from seqspec.data.store.store import Column, Rows, Store, StoreWriter, blocks
from seqspec.data.worker_processes import Workers
from seqspec.schema.diagnostic import DataError

if TYPE_CHECKING:
    from seqspec.data.corpus.audio import AudioReader
    from seqspec.schema.sections.data import OnError

BLOCK = 64
"""Utterances that a process is handed at once."""
ALONE = 4
"""Utterances whose frames are held before they are written where no process is handed any: so few that they
are still in the cache of the core.
"""
COMMIT_FRAMES = 4_000_000
KEPT = 1 << 24
"""Bytes: several times what computing the frames of an utterance takes."""
HANDED = "handed"
"""The folder, beside what is written, of the files in which processes hand frames over."""


def audio_of(records: Store, role: str, row: int, *, root: Path) -> AudioRef:
    """Where the audio of a row lies."""
    path = root / records.text(role, row)
    start = int(records.values(f"{role}_start")[row])
    end = int(records.values(f"{role}_end")[row])
    return AudioRef(path, start or None, None if end < 0 else end)


def frames_of(reference: AudioRef, *, feature: Feature, reader: AudioReader) -> np.ndarray:
    """``[frames, dim]`` float32 of one utterance."""
    return _frames(reader(reference), feature)


def _frames(samples: np.ndarray, feature: Feature) -> np.ndarray:
    return np.asarray(feature(samples), np.float32)


def frames_or_error(samples: np.ndarray, feature: Feature) -> np.ndarray | DataError:
    """``[frames, dim]`` float32, or why there are none."""
    try:
        return _frames(samples, feature)
    except DataError as error:
        return error


def num_frames(records: Store, role: str, *, feature: Feature, rows: slice = slice(None)) -> np.ndarray:
    """Frames of every row, or of ``rows``, from the lengths in the audio files' headers."""
    samples = records.values(f"{role}_samples")[rows]
    unique, inverse = np.unique(samples, return_inverse=True)
    frames = np.fromiter((feature.num_frames(int(n)) for n in unique), np.int64, len(unique))
    return frames[inverse]


def write_features(
    folder: Path,
    *,
    feature: Feature,
    records: Store,
    role: str,
    reader: AudioReader,
    dim: int,
    root: Path,
    split: str,
    on_error: Literal["fail"] | OnError,
    workers: Workers,
    progress: Progress = silent,
    rows: range | None = None,
) -> None:
    """Compute the frames of every row, or of ``rows``; a row whose audio cannot be read has none and is
    marked in ``bad``.
    """
    mine = range(records.rows) if rows is None else rows
    with (
        FramesWriter(folder, dim=dim, split=split, on_error=on_error, corpus=reader.corpus) as writer,
        progress(f"computing frames of {split}", len(mine)) as advance,
    ):
        advance(writer.rows)
        left = range(mine.start + writer.rows, mine.stop)
        count, compute = -(-len(left) // BLOCK), _Compute(feature, reader)
        size = BLOCK if workers.shares(count) else ALONE
        asked = (
            _references(records, role, left[start:stop], root) for start, stop in blocks(len(left), size)
        )
        handed = handed_in_order(workers, compute, asked, count=count, folder=folder / HANDED)
        for found in handed:
            writer.append(found)
            advance(len(found))
            if writer.pending >= COMMIT_FRAMES:
                writer.commit()
        if rows is None:
            writer.drops.check(records.rows)
        writer.commit()


class FramesWriter:
    """Appends the frames of utterances to a store, and goes on where an earlier one last committed.  An error
    in place of frames leaves a row without any, marked in ``bad``.
    """

    def __init__(
        self,
        folder: Path,
        *,
        dim: int,
        split: str,
        on_error: Literal["fail"] | OnError,
        corpus: str,
    ) -> None:
        columns = {"frames": Column("float32", width=dim), "bad": Column("uint8", ragged=False)}
        self.folder = folder
        self.store = StoreWriter(folder, columns)
        self.drops = Drops.load(
            self.store.state.get("drops"), on_error, what=f"utterances of {split}", corpus=corpus
        )
        self.none = np.empty((0, dim), np.float32)
        self.pending = 0
        """Frames since the last commit."""

    @property
    def rows(self) -> int:
        """Utterances so far."""
        return self.store.rows

    def append(self, found: Sequence[np.ndarray | DataError]) -> None:
        """Add utterances.  Raises ``DataError`` at one that cannot be read, where the spec does not allow
        any.
        """
        for fault in (one for one in found if isinstance(one, DataError)):
            self.drops.add(fault.message, file=fault.file, remedy=fault.help)
        frames = [self.none if isinstance(one, DataError) else one for one in found]
        bad = np.array([isinstance(one, DataError) for one in found], np.uint8)
        self.store.append({"frames": Rows(frames), "bad": bad})
        self.pending += sum(map(len, frames))

    def commit(self) -> None:
        """Make all utterances so far survive whatever comes."""
        self.store.commit(drops=self.drops.state())
        self.pending = 0

    def close(self) -> None:
        """What was not committed counts for nothing."""
        self.store.close()

    def __enter__(self) -> FramesWriter:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _references(records: Store, role: str, rows: range, root: Path) -> list[AudioRef]:
    return [audio_of(records, role, row, root=root) for row in rows]


@contextmanager
def one_thread() -> Iterator[None]:
    """An utterance is too little work for several threads, which would wait for one another."""
    import torch

    _keep_freed_memory()
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


@lru_cache(maxsize=1)
def _keep_freed_memory() -> None:
    """Have the memory of one utterance serve the next, instead of going back to the kernel, which would clear
    a hundred pages for each anew.

    glibc maps a block of its own for what is larger than any such block that was freed so far, and gives back
    what is free beyond twice that size (mallopt(3), ``M_MMAP_THRESHOLD``).  So one that nobody touches is
    taken, and freed at once.
    """
    np.empty(KEPT, np.uint8)


class _Compute:
    """Frames of one block; picklable.  Gives the error in place of what cannot be read."""

    def __init__(self, feature: Feature, reader: AudioReader) -> None:
        self.feature = feature
        self.reader = reader

    def __call__(self, references: Sequence[AudioRef]) -> list[np.ndarray | DataError]:
        with one_thread():
            return [self._one(reference) for reference in references]

    def _one(self, reference: AudioRef) -> np.ndarray | DataError:
        try:
            return frames_of(reference, feature=self.feature, reader=self.reader)
        except DataError as error:
            return error
