"""Frames of every utterance, computed once and memory-mapped.

A small corpus is read every epoch, and reading cached float32 frames costs less than decoding the audio and
computing them again; they are the very numbers that would be computed, so caching them changes no result.  A
corpus whose frames would take more than ``audio.cache_gigabytes`` is computed from its files as it is read.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from seqspec.data.corpus.drops import Drops
from seqspec.data.corpus.record import AudioRef
from seqspec.data.progress import Progress, silent
from seqspec.data.stages.parts import Feature
from seqspec.data.store.store import Column, Rows, Store, StoreWriter, blocks
from seqspec.data.worker_processes import Workers
from seqspec.schema.diagnostic import DataError

if TYPE_CHECKING:
    from seqspec.data.corpus.audio import AudioReader
    from seqspec.schema.data import OnError

BLOCK = 64
"""Utterances that a process is handed at once."""
ALONE = 4
"""Utterances whose frames are held before they are written where no process is handed any: so few that they
are still in the cache of the core.
"""
COMMIT_FRAMES = 4_000_000


def audio_of(records: Store, role: str, row: int, *, root: Path) -> AudioRef:
    """Where the audio of a row lies."""
    path = root / records.text(role, row)
    start = int(records.values(f"{role}_start")[row])
    end = int(records.values(f"{role}_end")[row])
    return AudioRef(path, start or None, None if end < 0 else end)


def frames_of(reference: AudioRef, *, feature: Feature, reader: AudioReader) -> np.ndarray:
    """``[frames, dim]`` float32 of one utterance."""
    return np.asarray(feature(reader(reference)), np.float32)


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
    columns = {"frames": Column("float32", width=dim), "bad": Column("uint8", ragged=False)}
    with (
        StoreWriter(folder, columns) as writer,
        progress(f"computing frames of {split}", len(mine)) as advance,
    ):
        what = f"utterances of {split}"
        drops = Drops.load(writer.state.get("drops"), on_error, what=what, corpus=reader.corpus)
        advance(writer.rows)
        left = range(mine.start + writer.rows, mine.stop)
        count, compute = -(-len(left) // BLOCK), _Compute(feature, reader)
        shared = workers.shares(count)
        handed = (
            _references(records, role, left[start:stop], root)
            for start, stop in blocks(len(left), BLOCK if shared else ALONE)
        )
        pending = 0
        for found in workers.in_order(compute, handed, count=count) if shared else map(compute, handed):
            for fault in (one for one in found if isinstance(one, DataError)):
                drops.add(fault.message, file=fault.file, remedy=fault.help)
            frames = [np.empty((0, dim), np.float32) if isinstance(one, DataError) else one for one in found]
            bad = np.array([isinstance(one, DataError) for one in found], np.uint8)
            writer.append({"frames": Rows(frames), "bad": bad})
            advance(len(frames))
            pending += sum(map(len, frames))
            if pending >= COMMIT_FRAMES:
                pending = 0
                writer.commit(drops=drops.state())
        if rows is None:
            drops.check(records.rows)
        writer.commit(drops=drops.state())


def _references(records: Store, role: str, rows: range, root: Path) -> list[AudioRef]:
    return [audio_of(records, role, row, root=root) for row in rows]


@contextmanager
def one_thread() -> Iterator[None]:
    """An utterance is too little work for several threads, which would wait for one another."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


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
