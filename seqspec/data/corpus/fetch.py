"""Downloads: resumed where they broke off, checked, unpacked, and noted so that a second call does nothing.

What was fetched is written down in ``.fetched/<file>.json`` below the corpus folder, with the SHA-256 of the
bytes that came, so that a file whose publisher gives no checksum is at least the same file next time.
"""

from __future__ import annotations

import fcntl
import hashlib
import http.client
import json
import os
import socket
import stat
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from seqspec.data.corpus.archive import extract, is_archive
from seqspec.data.corpus.download import failed, not_through_links, note_of, transfer, why, write_note
from seqspec.data.printable import show
from seqspec.data.progress import Progress, silent
from seqspec.schema.adapter._adapter import Download
from seqspec.schema.diagnostic import DataError

_NOTES = ".fetched"


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a server is waited for."""

    attempts: int = 5
    timeout_seconds: float = 60.0
    pause_seconds: float = 2.0
    """Before the second attempt; doubled before each further one."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """What a download came to."""

    name: str
    bytes: int
    sha256: str
    files: int
    """Files unpacked; 0 where the download is no archive."""
    fresh: bool
    """``False`` where it was there already."""


def fetch(
    download: Download, root: Path, *, progress: Progress = silent, patience: Patience = Patience()
) -> Fetched:
    """Bring one file of a corpus to its place below ``root``.  Raises ``DataError`` with what happened and
    what to do.
    """
    folder = root / download.folder
    folder.mkdir(parents=True, exist_ok=True)
    notes = root / _NOTES
    _require_no_links(download, notes)
    notes.mkdir(exist_ok=True)
    with _alone(notes, download):
        known = _noted(notes, download, folder)
        if known is not None:
            return known
        part = notes / f"{download.name}.part"
        archive = notes / download.name
        if archive.is_file() and not part.exists():  # whole, and being unpacked when the process ended
            os.replace(archive, part)
        else:
            _download(download, part, progress, patience)
        digest = _verified(download, part, progress)
        size = part.stat().st_size
        files = _placed(download, part, folder, progress)
        note = {"url": download.url, "bytes": size, "sha256": digest, "files": files}
        write_note(notes / f"{download.name}.json", note)
    return Fetched(download.name, size, digest, files, fresh=True)


def _require_no_links(download: Download, notes: Path) -> None:
    """A corpus may come from a stranger: nothing is written through links in its notes, and no pipe
    there is waited for.

    Raises ``DataError``.  What is opened for writing afterwards is opened without following links as well.
    """
    part = notes / f"{download.name}.part"
    names = (download.name, f"{download.name}.json", f"{download.name}.lock")
    written = (notes, part, note_of(part), *(notes / name for name in names))
    for path in (*written, *(path.with_name(f"{path.name}.tmp") for path in written)):
        try:  # asked once: another call may take the file away meanwhile
            mode = path.lstat().st_mode
        except FileNotFoundError:
            continue
        if stat.S_ISLNK(mode):
            help = "take the link away; a corpus folder itself may be one"
            message = f"`{show(path)}` is a link, and nothing is written through links"
            raise DataError(message, file=show(path), help=help)
        if path != notes and not stat.S_ISREG(mode):
            message = f"`{show(path)}` is no regular file, and stands where one is written"
            raise DataError(message, file=show(path), help="take it away")


@contextmanager
def _alone(notes: Path, download: Download) -> Iterator[None]:
    """Only one process fetches a file at a time; the others wait and then find it there."""
    with open(notes / f"{download.name}.lock", "w", opener=not_through_links) as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _noted(notes: Path, download: Download, folder: Path) -> Fetched | None:
    try:
        note = json.loads((notes / f"{download.name}.json").read_bytes())
        there = bool(note["files"]) or (folder / download.name).is_file()
        if note["url"] == download.url and there:
            size, files = int(note["bytes"]), int(note["files"])
            return Fetched(download.name, size, str(note["sha256"]), files, fresh=False)
    except (OSError, ValueError, KeyError, TypeError):
        pass
    return None


def _download(download: Download, part: Path, progress: Progress, patience: Patience) -> None:
    """Fill ``part``; each attempt goes on where the last one broke off."""
    pause = patience.pause_seconds
    for number in range(1, patience.attempts + 1):
        try:
            transfer(download, part, progress, patience.timeout_seconds)
            return
        except urllib.error.HTTPError as error:
            if error.code < 500 and error.code not in (408, 429):
                raise failed(download, f"the server answers {error.code} {show(error.reason)}") from None
            reason = f"the server answers {error.code} {show(error.reason)}"
        except urllib.error.URLError as error:
            reason = f"{urllib.parse.urlsplit(download.url).hostname} cannot be reached: {why(error.reason)}"
            if isinstance(error.reason, socket.gaierror):
                raise failed(download, f"{reason}; is there a network?") from None
        except (TimeoutError, ConnectionError, http.client.HTTPException) as error:
            reason = f"the connection broke: {show(error) or type(error).__name__}"
        except OSError as error:
            raise failed(
                download, f"the file cannot be written: {(error.strerror or str(error)).lower()}"
            ) from None
        if number < patience.attempts:
            time.sleep(pause)
            pause *= 2
    held = part.stat().st_size if part.exists() else 0
    there = f"; {held:,} bytes are kept, and the next call goes on from there" if held else ""
    raise failed(download, f"{reason} ({patience.attempts} attempts){there}")


def _verified(download: Download, part: Path, progress: Progress) -> str:
    """The SHA-256 of what came; a file that is not the published one is thrown away."""
    sha256, md5 = hashlib.sha256(), hashlib.md5(usedforsecurity=False)
    size = part.stat().st_size
    with open(part, "rb") as file, progress(f"checking {download.name}", size) as advance:
        while block := file.read(2**20):
            sha256.update(block)
            md5.update(block)
            advance(len(block))
    wanted = (
        ("size", download.size, size),
        ("MD5", download.md5, md5.hexdigest()),
        ("SHA-256", download.sha256, sha256.hexdigest()),
    )
    for what, expected, found in wanted:
        if expected is not None and expected != found:
            part.unlink()
            note_of(part).unlink(missing_ok=True)
            message = f"what came is not the published file: its {what} is {found}, not {expected}"
            raise failed(download, message)
    return sha256.hexdigest()


def _placed(download: Download, part: Path, folder: Path, progress: Progress) -> int:
    """Unpack, or move to its name; gives the number of files that were unpacked."""
    archive = part.with_name(download.name)
    os.replace(part, archive)
    if not (download.unpack and is_archive(archive)):
        os.replace(archive, folder / download.name)
        note_of(part).unlink(missing_ok=True)
        return 0
    try:
        with progress(f"unpacking {download.name}", None) as advance:
            files = extract(archive, folder, advance=advance)
    except DataError:
        archive.unlink()
        note_of(part).unlink(missing_ok=True)
        raise
    except OSError as error:
        message = f"unpacking stopped, {why(error)}; the archive is kept for the next call"
        raise failed(download, message) from None
    archive.unlink()
    note_of(part).unlink(missing_ok=True)
    return files
