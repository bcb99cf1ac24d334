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
from typing import TYPE_CHECKING, TypeVar

from seqspec.schema.diagnostic import DataError

if TYPE_CHECKING:
    from multiprocessing.synchronize import Event

T = TypeVar("T")
R = TypeVar("R")

_GUARD = 'put what your script does below `if __name__ == "__main__":`, or prepare with `processes=1`'

FEW = 8
"""Blocks below which starting processes costs more than they save."""


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def in_order(work: Callable[[T], R], blocks: Iterable[T], *, processes: int, count: int) -> Iterator[R]:
    """``work`` of each block, in the order of the blocks.  Raises ``DataError`` where a process died or none
    could start.
    """
    if processes <= 1 or count < FEW:
        yield from map(work, blocks)
        return
    context = multiprocessing.get_context("spawn")
    started = context.Event()
    setup = (processes, context, _set_up, (started,))
    with ProcessPoolExecutor(*setup) as pool:
        pending: deque[Future[R]] = deque()
        try:
            for block in blocks:
                pending.append(_submitted(pool, work, block))
                if len(pending) > 2 * processes:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        except BrokenProcessPool:
            raise _died(started.is_set()) from None
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _submitted(pool: ProcessPoolExecutor, work: Callable[[T], R], block: T) -> Future[R]:
    """Hands a block over; the pipe to a pool that breaks at this moment is closed already."""
    try:
        return pool.submit(work, block)
    except OSError as error:
        raise BrokenProcessPool(str(error)) from None


def require_started() -> None:
    """Raises ``DataError`` in a process that is still being started: it is reading the person's script, and
    whatever it prepared there its parent, which waits for it, is preparing already.
    """
    process = multiprocessing.current_process()
    if getattr(process, "_inheriting", False):  # what multiprocessing's own guard asks
        raise DataError(f"a process that helps to prepare data runs the script that started it: {_GUARD}")


def _died(started: bool) -> DataError:
    if not started:
        return DataError(
            f"no process that prepares data could start, for each runs your script first: {_GUARD}"
        )
    return DataError(
        "a process that prepares data died, most often for want of memory",
        help="run again to go on where it stopped; `--processes 1` shows what happens",
    )


def _set_up(started: Event) -> None:
    """One thread a process: the processes themselves fill the cores."""
    os.environ["OMP_NUM_THREADS"] = "1"
    started.set()
