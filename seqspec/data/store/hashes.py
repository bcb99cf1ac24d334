"""SHA-256 of the files of a corpus, remembered by size and time so that a second look costs a ``stat`` a
file.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from seqspec.data.printable import show
from seqspec.data.progress import Progress, silent
from seqspec.data.regular_file import NotRegular, require_regular
from seqspec.data.store.cache import sha256
from seqspec.data.store.durable import write_json
from seqspec.schema.diagnostic import DataError

SETTLED_NS = 2_000_000_000
"""A file younger than this when it was hashed may change again without a change of its time."""

AT_ONCE = 1 << 20
"""Bytes that a thread is handed at once: handing them over takes as long as to hash a short recording."""


class Stamped(NamedTuple):
    """A file as it was when it was hashed."""

    size: int
    time: int
    """Of its last change, in nanoseconds since 1970."""
    sha256: str


def file_hashes(
    files: Sequence[Path], *, root: Path | None, memory: Path, progress: Progress = silent
) -> dict[str, str]:
    """SHA-256 by name relative to ``root``; ``memory`` is the folder that holds what was hashed before."""
    found = stamped_files(files, root=root, memory=memory, progress=progress)
    return {name: one.sha256 for name, one in found.items()}


def stamped_files(
    files: Sequence[Path], *, root: Path | None, memory: Path, progress: Progress = silent
) -> dict[str, Stamped]:
    """Files by name relative to ``root``, sorted; see ``file_hashes``."""
    names = {name_below(file, root): file for file in files}
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
            shares = _shares(stale, {name: int(stamps[name][0]) for name in stale})
            hashed = pool.map(lambda share: [_hash(names[name]) for name in share], shares)
            for share, found in zip(shares, hashed, strict=True):
                known |= {name: [*stamps[name], one] for name, one in zip(share, found, strict=True)}
                advance(len(share))
        _remember(memory / f"{listing}.json", {name: known[name] for name in names})
    return {name: Stamped(*known[name]) for name in sorted(names)}  # type: ignore[arg-type]


def first_changed(files: Mapping[str, Stamped], root: Path) -> str | None:
    """The first of ``files`` that is not what it was when it was hashed, and ``None`` where all are."""
    inside = f"{root}/"
    for name, was in files.items():
        try:
            status = os.stat(name if name[0] == "/" else inside + name)
        except OSError:
            return name
        if (status.st_size, status.st_mtime_ns) != was[:2] or not stat.S_ISREG(status.st_mode):
            return name
    return None


def _shares(names: Sequence[str], sizes: Mapping[str, int]) -> list[list[str]]:
    """Consecutive names, of ``AT_ONCE`` bytes or little more."""
    shares: list[list[str]] = [[]]
    held = 0
    for name in names:
        if held >= AT_ONCE:
            shares.append([])
            held = 0
        shares[-1].append(name)
        held += sizes[name]
    return shares


def name_below(file: Path, root: Path | None) -> str:
    """The name of a file relative to ``root``, or its whole path where it lies elsewhere."""
    if root is None:
        return file.name
    written, inside = str(file), f"{root}/"
    if written.startswith(inside):  # what pathlib finds as well, ten times as slowly
        return written[len(inside) :]
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
