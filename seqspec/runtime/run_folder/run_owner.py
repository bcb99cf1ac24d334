"""One owner of a run directory: a lock that the kernel takes back when its holder dies, however it dies."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from seqspec.data.store.durable import writing
from seqspec.schema.diagnostic import Exit, RunError

PATIENCE_SECONDS = 0.5
"""How long a second starter waits for a holder that is just leaving."""


@contextmanager
def owned(folder: Path, *, patience: float = PATIENCE_SECONDS) -> Iterator[None]:
    """Hold ``folder``; raises ``RunError`` with exit code 6 where somebody else does."""
    with writing(folder, help="go on where the run directory can be written"):
        opened = open(folder / "LOCK", "a+", opener=_no_link)  # noqa: SIM115  # closed by the caller of this block
    with opened as file:
        _acquire(file.fileno(), folder, patience)
        held = _for_this_process_alone(file.fileno())
        file.truncate(0)
        file.write(json.dumps({"pid": os.getpid(), "host": socket.gethostname(), "boot": _boot_id()}))
        file.flush()
        try:
            yield
        finally:
            held.clear()


def _for_this_process_alone(handle: int) -> list[int]:
    """Close the handle in every process forked from now on, while the list that is given holds it.

    A lock lives as long as anybody holds it open: loader processes outlive a killed run by some seconds.
    """
    held = [handle]

    def close() -> None:
        for one in held:
            os.close(one)

    os.register_at_fork(after_in_child=close)
    return held


def _no_link(path: str, flags: int) -> int:
    """The lock's own file is emptied: never what a link leads to."""
    try:
        return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o666)
    except OSError as error:
        if error.errno not in (errno.ELOOP, errno.ENXIO, errno.EISDIR):
            raise
        raise RunError(f"{path} is no regular file", exit=Exit.STORAGE, help="take it away") from None


def _acquire(handle: int, folder: Path, patience: float) -> None:
    deadline = time.monotonic() + patience
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                raise RunError(
                    f"{folder} is in use by {_holder(folder)}",
                    exit=Exit.LOCKED,
                    help="wait for that run, end it, or start a run of its own without --resume",
                ) from None
            time.sleep(0.05)
        else:
            return


def _holder(folder: Path) -> str:
    try:
        held = json.loads((folder / "LOCK").read_text())
        return f"process {held['pid']} on {held['host']}"
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return "another process"


def _boot_id() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""
