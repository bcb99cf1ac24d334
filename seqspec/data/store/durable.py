"""Files that are whole or absent, whatever happens: written beside, fsynced, renamed."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from seqspec.schema.diagnostic import Exit, RunError


def write_durably(path: Path, data: bytes) -> None:
    """Replace ``path`` by ``data`` so that a reader sees the old bytes or the new ones, also after a
    power cut.  A device, such as standard output by its name, is written to.
    """
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    try:
        _write(path, data)
    except OSError as error:
        if error.filename is None:  # A full disk does not say of which file.
            error.filename = str(path)
        raise


def _write(path: Path, data: bytes) -> None:
    if _is_device(path):
        path.write_bytes(data)
        return
    beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with beside.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def _is_device(path: Path) -> bool:
    """Whether ``path`` itself, not where a link leads to, is no place for a file."""
    if path.parent in _DEVICES:
        return True
    try:
        return stat.S_ISCHR(path.lstat().st_mode)
    except OSError:
        return False


_DEVICES = (Path("/dev"), Path("/dev/fd"), Path("/proc/self/fd"))


@contextlib.contextmanager
def writing(place: Path, *, help: str) -> Iterator[None]:
    """Tell what cannot be written as a ``RunError`` with the place and a remedy."""
    try:
        yield
    except OSError as error:
        raise RunError(
            f"{place} cannot be written: {error.strerror or error}", exit=Exit.STORAGE, help=help
        ) from None


def write_json(path: Path, value: object) -> None:
    """``value`` as JSON with sorted keys, durably."""
    write_durably(path, json_bytes(value))


def json_bytes(value: object) -> bytes:
    """The one way in which a value is written as JSON.

    A file name that is not UTF-8 holds lone surrogates, which become JSON's own escapes.
    """
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, indent=1)
    return text.encode("utf-8", "backslashreplace")


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
