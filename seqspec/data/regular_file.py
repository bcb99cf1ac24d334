"""Opening regular files only: a pipe or a device in place of a file would be waited for without end."""

from __future__ import annotations

import errno
import os
import stat
from io import BufferedReader
from pathlib import Path

_OPEN = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY
"""Without waiting: a named pipe opens at once, and so ends reading a kernel log that looks like a file."""

_KINDS = (
    (stat.S_ISDIR, "it is a folder"),
    (stat.S_ISFIFO, "it is a pipe, not a regular file"),
    (stat.S_ISSOCK, "it is a socket, not a regular file"),
    (stat.S_ISCHR, "it is a device, not a regular file"),
    (stat.S_ISBLK, "it is a device, not a regular file"),
)


class NotRegular(OSError):
    """What stands at the path is no regular file; ``strerror`` says what it is."""

    def __init__(self, path: Path | str, kind: str) -> None:
        super().__init__(errno.EINVAL, kind, str(path))


def open_regular(path: Path | str) -> BufferedReader:
    """A buffered binary file.  Raises ``NotRegular``, or the ``OSError`` of the system.

    What was opened is looked at again, so that a pipe put in the file's place meanwhile is found too.
    """
    require_regular(path)
    handle = os.open(path, _OPEN)
    try:
        _require(os.fstat(handle), path)
        return os.fdopen(handle, "rb")
    except BaseException:
        os.close(handle)
        raise


def require_regular(path: Path | str) -> os.stat_result:
    """The status of a regular file, for libraries that open files themselves.  Raises ``OSError``."""
    return _require(os.stat(path), path)


def read_regular(path: Path | str) -> bytes:
    """Everything that a regular file holds.  Raises like ``open_regular``."""
    with open_regular(path) as file:
        return file.read() or b""


def _require(status: os.stat_result, path: Path | str) -> os.stat_result:
    if not stat.S_ISREG(status.st_mode):
        kind = next((said for test, said in _KINDS if test(status.st_mode)), "it is not a regular file")
        raise NotRegular(path, kind)
    return status
