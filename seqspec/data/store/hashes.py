"""SHA-256 of the files of a corpus, remembered by size and time so that a second look costs a ``stat`` a
file.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from seqspec.data.printable import show
from seqspec.data.progress import Progress, silent
from seqspec.data.regular_file import NotRegular, require_regular
from seqspec.data.store.cache import sha256
from seqspec.data.store.durable import write_json
from seqspec.schema.diagnostic import DataError

SETTLED_NS = 2_000_000_000
"""A file younger than this when it was hashed may change again without a change of its time."""


def file_hashes(
    files: Sequence[Path], *, root: Path | None, memory: Path, progress: Progress = silent
) -> dict[str, str]:
    """SHA-256 by name relative to ``root``; ``memory`` is the folder that holds what was hashed before."""
    names = {_name(file, root): file for file in files}
    listing = hashlib.sha256(
        "\0".join([str(root), *sorted(names)]).encode("utf-8", "surrogatepass")
    ).hexdigest()
    known = _known(memory / f"{listing}.json")
    stamps = {name: _stamp(file) for name, file in names.items()}
    stale = [name for name, stamp in stamps.items() if known.get(name, [None])[:2] != stamp]
    if stale:
        with (
            progress("hashing the corpus", len(stale)) as advance,
            ThreadPoolExecutor(os.cpu_count()) as pool,
        ):
            for name, found in zip(stale, pool.map(_hash, [names[name] for name in stale]), strict=True):
                known[name] = [*stamps[name], found]
                advance(1)
        _remember(memory / f"{listing}.json", {name: known[name] for name in names})
    return {name: str(known[name][2]) for name in sorted(names)}


def _name(file: Path, root: Path | None) -> str:
    if root is None:
        return file.name
    try:
        return file.relative_to(root).as_posix()
    except ValueError:  # elsewhere: two folders may hold files of one name
        return file.absolute().as_posix()


def _hash(file: Path) -> str:
    try:
        return sha256(file)
    except OSError as error:
        raise unreadable(error, file) from None


def unreadable(error: OSError, file: Path) -> DataError:
    """A fault of the disk, or of rights, as a fault of the corpus."""
    reason = (error.strerror or str(error)).lower()
    return DataError(f"the corpus cannot be read: {reason}", file=show(error.filename or file))


def _stamp(file: Path) -> list[int]:
    try:
        status = require_regular(file)
    except FileNotFoundError:
        raise DataError("the corpus names a file that is not there", file=str(file)) from None
    except PermissionError:
        raise DataError("a file of the corpus may not be read by this user", file=str(file)) from None
    except NotRegular as error:
        raise unreadable(error, file) from None
    return [status.st_size, status.st_mtime_ns]


def _known(path: Path) -> dict[str, list[int | str]]:
    try:
        found: dict[str, list[int | str]] = json.loads(path.read_bytes())
    except (FileNotFoundError, ValueError):
        return {}
    return found


def _remember(path: Path, known: dict[str, list[int | str]]) -> None:
    now = time.time_ns()
    settled = {name: entry for name, entry in known.items() if now - int(entry[1]) > SETTLED_NS}
    if settled:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_json(path, settled)
