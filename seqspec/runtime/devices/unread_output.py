"""Work that outlives whoever reads what it prints: a `tee` that was ended, a terminal that is gone."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO


@contextmanager
def outliving_readers() -> Iterator[None]:
    """Standard output and standard error, which within go nowhere once nobody reads them any more: what took
    days is not given up for a line of progress.
    """
    given = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = (_patient(stream) for stream in given)
    try:
        yield
    finally:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        sys.stdout, sys.stderr = given


def _patient(stream: object) -> io.TextIOWrapper:
    """The stream itself, where it is no file of the system."""
    if type(stream) is not io.TextIOWrapper:
        return stream  # type: ignore[return-value]
    stream.flush()
    return _Patient(
        stream.buffer,
        encoding=stream.encoding,
        errors=stream.errors,
        line_buffering=stream.line_buffering,
        write_through=stream.write_through,
    )


class _Patient(io.TextIOWrapper):
    """Its buffer belongs to the stream that it stands for."""

    def write(self, text: str, /) -> int:
        try:
            return super().write(text)
        except BrokenPipeError:
            to_nowhere(self)
            return len(text)

    def flush(self) -> None:
        try:
            super().flush()
        except BrokenPipeError:
            to_nowhere(self)

    def close(self) -> None:
        """Leaves the buffer open."""
        self.flush()


def to_nowhere(stream: TextIO) -> None:
    """What is still held back for the file behind ``stream``, and all that follows, is dropped."""
    with open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), stream.fileno())
