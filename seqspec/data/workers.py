"""Several processes that work through blocks, with the results in order and a bounded number of blocks under
way.
"""

from __future__ import annotations

import multiprocessing
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import TypeVar

from seqspec.schema.diagnostic import DataError

T = TypeVar("T")
R = TypeVar("R")

FEW = 8
"""Blocks below which starting processes costs more than they save."""


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def in_order(work: Callable[[T], R], blocks: Iterable[T], *, processes: int, count: int) -> Iterator[R]:
    """``work`` of each block, in the order of the blocks.  Raises ``DataError`` where a process died."""
    if processes <= 1 or count < FEW:
        yield from map(work, blocks)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, mp_context=context, initializer=_single_threaded) as pool:
        pending: deque[Future[R]] = deque()
        try:
            for block in blocks:
                pending.append(pool.submit(work, block))
                if len(pending) > 2 * processes:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        except BrokenProcessPool:
            raise DataError(
                "a process that prepares data died, most often for want of memory",
                help="run again to go on where it stopped; `--processes 1` shows what happens",
            ) from None
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _single_threaded() -> None:
    """One thread a process: the processes themselves fill the cores."""
    os.environ["OMP_NUM_THREADS"] = "1"
