"""Where predictions are written: standard output in UTF-8 whatever the locale, or a file.

What UTF-8 cannot hold, such as the bytes of a file name in another encoding, is escaped.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from seqspec.runtime.devices.unread_output import to_nowhere
from seqspec.schema.diagnostic import DataError, Exit, RunError


@contextmanager
def output_stream(output: Path | None) -> Iterator[IO[str]]:
    """Standard output, or a file that takes its name when it is complete; a device or a pipe is written to
    directly.

    Raises ``RunError`` where nothing can be written.
    """
    if output is None:
        yield from _standard_output()
    elif output.exists() and not output.is_file() and not output.is_dir():
        with _told(str(output), output), _opened(output) as out:
            yield out
    else:
        yield from _new_file(output)


def _new_file(output: Path) -> Iterator[IO[str]]:
    part = output.with_name(f".{output.name}.{os.getpid()}.part")
    try:
        with _told(str(output), part):
            with _opened(part) as out:
                try:
                    yield out
                except DataError:  # some inputs have no prediction, and the others are to be had
                    out.flush()
                    part.replace(output)
                    raise
            part.replace(output)
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


def _opened(path: Path) -> IO[str]:
    return open(path, "w", encoding="utf-8", errors="backslashreplace", newline="")


def _standard_output() -> Iterator[IO[str]]:
    out = sys.stdout
    reconfigure = getattr(out, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(encoding="utf-8", errors="backslashreplace")
    try:
        with _told("standard output"):
            try:
                yield out
            finally:
                out.flush()
    except BrokenPipeError:  # whoever reads has had enough
        to_nowhere(out)
    except RunError:
        to_nowhere(out)
        raise


@contextmanager
def _told(place: str, *files: Path) -> Iterator[None]:
    """Turns a failure to write, which names no file or one of ``files``, into a ``RunError``.

    What names another file, such as a folder for sound beside the text, is told of that one.
    """
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        other = error.filename is not None and error.filename not in (place, *map(str, files))
        reason = (error.strerror or str(error)).lower()
        help = "write to another place with `--output FILE`"
        if other:
            place, help = str(error.filename), "name another place (`--out FOLDER`, `--vectors FILE`)"
        raise RunError(f"cannot write to {place}: {reason}", exit=Exit.STORAGE, help=help) from None
