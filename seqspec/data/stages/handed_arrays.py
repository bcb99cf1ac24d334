"""Arrays that other processes hand over in files instead of through a pipe.

The files are written over again and again, so that they stay in memory as the kernel's pages, and they are
mapped by who reads: an array is copied once, by the process that made it.
"""

from __future__ import annotations

import math
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np

from seqspec.data.worker_processes import Workers

T = TypeVar("T")


def handed_in_order(
    workers: Workers,
    work: Callable[[T], Sequence[Any]],
    blocks: Iterable[T],
    *,
    count: int,
    folder: Path,
) -> Iterator[Sequence[Any]]:
    """Like ``Workers.in_order``, of work that gives lists; the arrays in one are good until the next is asked
    for.  ``folder`` is made for the files, and taken away.
    """
    shutil.rmtree(folder, ignore_errors=True)  # of a process that was killed
    if not workers.shares(count):
        yield from map(work, blocks)
        return
    folder.mkdir()
    files = [folder / str(number) for number in range(workers.most_under_way)]
    tasks = ((block, files[number % len(files)]) for number, block in enumerate(blocks))
    try:
        for number, found in enumerate(workers.in_order(_Handing(work), tasks, count=count)):
            yield _taken(found, files[number % len(files)])
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class _Handed(NamedTuple):
    """An array that stands in a file, behind those before it."""

    shape: tuple[int, ...]
    dtype: str


class _Handing:
    """Does the work in another process, and leaves its arrays in a file; picklable."""

    def __init__(self, work: Callable[[Any], Sequence[Any]]) -> None:
        self.work = work

    def __call__(self, task: tuple[Any, Path]) -> list[Any]:
        block, path = task
        found = self.work(block)
        # Not truncated: the pages of what stood there are written over.
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600), "wb") as file:
            return [self._left(one, file) if isinstance(one, np.ndarray) else one for one in found]

    def _left(self, array: np.ndarray, file: Any) -> _Handed:
        file.write(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)
        return _Handed(array.shape, array.dtype.str)


def _taken(found: Sequence[Any], path: Path) -> list[Any]:
    sizes = [_bytes(one) if isinstance(one, _Handed) else 0 for one in found]
    held = np.memmap(path, np.uint8, "r", shape=sum(sizes)) if any(sizes) else np.empty(0, np.uint8)
    taken, end = [], 0
    for one, size in zip(found, sizes, strict=True):
        begin, end = end, end + size
        taken.append(
            np.asarray(held[begin:end]).view(one.dtype).reshape(one.shape)
            if isinstance(one, _Handed)
            else one
        )
    return taken


def _bytes(one: _Handed) -> int:
    return math.prod(one.shape) * np.dtype(one.dtype).itemsize
