"""Operations on files that fail, or kill, at the n-th call: open, write, fsync, rename, unlink, mkdir, rmdir.

Works on everything that goes through ``Path.open`` and ``os``; only paths below one folder count.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


class Fuse:
    """Counts operations; at number ``at`` it kills the process, or raises ``errno`` from then on."""

    def __init__(self, under: Path, *, at: int, errno: int | None = None, lasting: bool = True) -> None:
        self.under, self.at, self.errno, self.lasting = str(under), at, errno, lasting
        self.count = 0

    def burn(self, path: object, half: Callable[[], None] = lambda: None) -> None:
        """One operation on ``path``; ``half`` is done before the end comes, as when a write is torn."""
        if not str(path).startswith(self.under):
            return
        self.count += 1
        if self.count == self.at and self.errno is None:
            half()
            os.kill(os.getpid(), signal.SIGKILL)
        if self.errno is not None and (self.count == self.at or (self.lasting and self.count > self.at)):
            half()
            raise OSError(self.errno, os.strerror(self.errno))


class _File:
    """A file whose writes burn the fuse."""

    def __init__(self, file: Any, path: Path, fuse: Fuse) -> None:
        self._file, self._path, self._fuse = file, path, fuse

    def write(self, data: Any) -> Any:
        def half() -> None:
            self._file.write(
                bytes(data)[: len(bytes(data)) // 2] if not isinstance(data, str) else data[: len(data) // 2]
            )
            self._file.flush()

        self._fuse.burn(self._path, half)
        return self._file.write(data)

    def __enter__(self) -> _File:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def __iter__(self) -> Iterator[Any]:
        return iter(self._file)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


@contextmanager
def fused(fuse: Fuse) -> Iterator[None]:
    """Every operation below the fuse's folder goes through it while this is entered."""
    kept = {
        name: getattr(os, name)
        for name in ("fsync", "rename", "replace", "unlink", "mkdir", "rmdir", "truncate")
    }
    opened = Path.open

    def open_(self: Path, mode: str = "r", *args: Any, **named: Any) -> Any:
        if any(letter in mode for letter in "wax+") and str(self).startswith(fuse.under):
            fuse.burn(self)
            return _File(opened(self, mode, *args, **named), self, fuse)
        return opened(self, mode, *args, **named)

    def by_path(name: str) -> Callable[..., Any]:
        def call(path: Any, *args: Any, **named: Any) -> Any:
            fuse.burn(path)
            return kept[name](path, *args, **named)

        return call

    def fsync(handle: Any) -> None:
        number = handle if isinstance(handle, int) else handle.fileno()
        fuse.burn(os.readlink(f"/proc/self/fd/{number}"))
        kept["fsync"](number)

    try:
        Path.open = open_  # type: ignore[method-assign]
        for name in kept:
            setattr(os, name, fsync if name == "fsync" else by_path(name))
        yield
    finally:
        Path.open = opened  # type: ignore[method-assign]
        for name, call in kept.items():
            setattr(os, name, call)
