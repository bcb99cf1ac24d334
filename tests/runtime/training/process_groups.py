"""Processes for runs that several share, forked from one that has imported everything: so that this is paid for
once.  What is forked before it has run anything goes on to do several runs, one after another.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import torch._dynamo  # noqa: F401  torch loads it when processes are first connected
from torch import distributed

import seqspec.runtime.training.strategies.two_axis_model  # noqa: F401
from seqspec.runtime.devices.launch import Launch


def launch_of(count: int, strategy: str, **more: int) -> Launch:
    return Launch(device="cpu", devices=count, strategy=strategy, threads=1, quiet=True, **more)


def forked(count: int, work: Callable[[], object]) -> None:
    """``work`` in each of ``count`` processes that find each other; where one fails, none waits for it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    shared = {"WORLD_SIZE": str(count), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    started: list[int] = []
    for rank in range(count):
        started.append(os.fork())
        if started[-1] == 0:
            os.environ.update({**shared, "RANK": str(rank), "LOCAL_RANK": str(rank)})
            try:
                work()
            except BaseException:
                traceback.print_exc()
                os._exit(1)
            sys.stdout.flush()
            os._exit(0)
    while started:
        one, status = os.wait()
        started.remove(one)
        if status:
            for other in started:
                os.kill(other, signal.SIGKILL)
            sys.exit("a process failed")


class Scenes:
    """What forked processes do one after another, the first ``count`` of them together; each has one."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._rank = int(os.environ["RANK"])
        self._done = 0

    def play(self, count: int, work: Callable[[], object]) -> None:
        """``work`` in the first ``count`` processes; the others go on to what comes next."""
        self._done += 1
        if self._rank < count:
            with self._connected(count):
                work()

    @contextmanager
    def _connected(self, count: int) -> Iterator[None]:
        os.environ["WORLD_SIZE"] = str(count)
        if count == 1:
            yield
            return
        met = f"file://{self._folder}/met-{self._done}"
        distributed.init_process_group("gloo", init_method=met, rank=self._rank, world_size=count)
        yield
        distributed.destroy_process_group()
