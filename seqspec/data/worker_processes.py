"""Several processes that work through blocks, with the results in order and a bounded number of blocks under
way.
"""

from __future__ import annotations

import multiprocessing
import os
import pickle
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeVar

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


class Workers:
    """Processes that work through blocks.  They start when they are first needed, and go on from stage to
    stage until the ``with`` block ends; a stage outside of any has processes of its own.
    """

    def __init__(self, processes: int = 1) -> None:
        self.processes = processes
        self._context = multiprocessing.get_context("spawn")
        self._pool: ProcessPoolExecutor | None = None
        self._users = 0

    def __enter__(self) -> Workers:
        self._users += 1
        return self

    def __exit__(self, *_: object) -> None:
        self._users -= 1
        if not self._users:
            self._end()

    def start(self, parts: object) -> None:
        """Have the processes start and load what ``parts`` are made of, while there is other work to do."""
        if self.processes > 1 and self._pool is None and self._users:
            pool, pickled = self._opened(), pickle.dumps(parts)
            with suppress(BrokenProcessPool):  # told where the processes are needed
                for _ in range(self.processes):
                    _submitted(pool, _unpickled, pickled)

    def shares(self, count: int) -> bool:
        """Whether ``count`` blocks are enough to be shared out among several processes."""
        return self.processes > 1 and count >= FEW

    @property
    def most_under_way(self) -> int:
        """Blocks of ``in_order`` that were handed out and are not done with, at most."""
        return 2 * self.processes + 1

    def in_order(self, work: Callable[[T], R], blocks: Iterable[T], *, count: int) -> Iterator[R]:
        """``work`` of each of ``count`` blocks, in their order.  A process builds ``work`` once and keeps it:
        what it opens stays open.  Raises ``DataError`` where a process died or none could start.
        """
        if not self.shares(count):
            yield from map(work, blocks)
            return
        with self:
            pool, pickled = self._opened(), pickle.dumps(work)
            pending: deque[Future[R]] = deque()
            try:
                for block in blocks:
                    pending.append(_submitted(pool, _worked, pickled, block))
                    if len(pending) == self.most_under_way:
                        yield pending.popleft().result()
                while pending:
                    yield pending.popleft().result()
            except BrokenProcessPool:
                self._end()
                raise _died(self._started.is_set()) from None
            finally:
                for one in pending:
                    one.cancel()

    def _opened(self) -> ProcessPoolExecutor:
        if self._pool is None:
            self._started = self._context.Event()
            self._pool = ProcessPoolExecutor(self.processes, self._context, _set_up, (self._started,))
        return self._pool

    def _end(self) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)
        self._pool = None


def _submitted(pool: ProcessPoolExecutor, call: Callable[..., Any], *arguments: Any) -> Future[Any]:
    """Hands work over; the pipe to a pool that breaks at this moment is closed already."""
    try:
        return pool.submit(call, *arguments)
    except OSError as error:
        raise BrokenProcessPool(str(error)) from None


def _worked(pickled: bytes, block: Any) -> Any:
    return _unpickled(pickled)(block)


@lru_cache(maxsize=1)
def _unpickled(pickled: bytes) -> Any:
    """What a process was last handed, built once and not anew for every block."""
    return pickle.loads(pickled)  # noqa: S301  sent by the process that started this one


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
    threading.Thread(target=_end_with_parent, daemon=True).start()
    started.set()


def _end_with_parent() -> None:
    """Of a parent that was killed, the pool's own processes would wait for work for ever."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)
