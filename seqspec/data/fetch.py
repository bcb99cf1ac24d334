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
import shutil
import socket
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from seqspec.data.archive import extract, is_archive
from seqspec.data.lines import show
from seqspec.data.progress import Progress, silent
from seqspec.schema.adapter_config import Download
from seqspec.schema.diagnostic import DataError

_BLOCK = 2**18
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
        _write_note(notes / f"{download.name}.json", note)
    return Fetched(download.name, size, digest, files, fresh=True)


@contextmanager
def _alone(notes: Path, download: Download) -> Iterator[None]:
    """Only one process fetches a file at a time; the others wait and then find it there."""
    with open(notes / f"{download.name}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _noted(notes: Path, download: Download, folder: Path) -> Fetched | None:
    try:
        note = json.loads((notes / f"{download.name}.json").read_bytes())
        there = bool(note["files"]) or (folder / download.name).is_file()
        if note["url"] == download.url and there:
            return Fetched(download.name, note["bytes"], note["sha256"], note["files"], fresh=False)
    except (OSError, ValueError, KeyError, TypeError):
        pass
    return None


def _download(download: Download, part: Path, progress: Progress, patience: Patience) -> None:
    """Fill ``part``; each attempt goes on where the last one broke off."""
    pause = patience.pause_seconds
    for attempt in range(1, patience.attempts + 1):
        try:
            _attempt(download, part, progress, patience.timeout_seconds)
            return
        except urllib.error.HTTPError as error:
            if error.code < 500 and error.code not in (408, 429):
                raise _failed(download, f"the server answers {error.code} {show(error.reason)}") from None
            reason = f"the server answers {error.code} {show(error.reason)}"
        except urllib.error.URLError as error:
            reason = f"{urllib.parse.urlsplit(download.url).hostname} cannot be reached: {_why(error.reason)}"
            if isinstance(error.reason, socket.gaierror):
                raise _failed(download, f"{reason}; is there a network?") from None
        except (TimeoutError, ConnectionError, http.client.HTTPException) as error:
            reason = f"the connection broke: {show(error) or type(error).__name__}"
        except OSError as error:
            raise _failed(
                download, f"the file cannot be written: {(error.strerror or str(error)).lower()}"
            ) from None
        if attempt < patience.attempts:
            time.sleep(pause)
            pause *= 2
    held = part.stat().st_size if part.exists() else 0
    there = f"; {held:,} bytes are kept, and the next call goes on from there" if held else ""
    raise _failed(download, f"{reason} ({patience.attempts} attempts){there}")


def _attempt(download: Download, part: Path, progress: Progress, timeout: float) -> None:
    held = part.stat().st_size if part.exists() else 0
    validator = _validator(part)
    headers = {"Accept-Encoding": "identity", "User-Agent": "seqspec"}
    request = urllib.request.Request(download.url, headers=headers)  # noqa: S310  (``_opener`` knows http alone)
    if held and validator:
        request.add_header("Range", f"bytes={held}-")
        request.add_header("If-Range", validator)
    try:
        response = _opener().open(request, timeout=timeout)
    except urllib.error.HTTPError as error:
        if error.code == 416 and held:  # nothing is left to send, or the file became shorter
            _restart_unless_whole(download, part, error.headers.get("Content-Range", ""))
            return
        raise
    with response:
        start = held if response.status == 206 and _starts_at(response, held) else 0
        total = _total(response, start)
        _require_room(download, part, (total or 0) - start)
        _keep_validator(part, response)
        with (
            open(part, "ab" if start else "wb") as file,
            progress(f"fetching {download.name}", total) as advance,
        ):
            advance(start)
            done = start + _copy(response, file, advance)
        if total is not None and done < total:
            raise http.client.IncompleteRead(b"", total - done)


def _why(reason: object) -> str:
    """What the system says, without its error number."""
    words = reason.strerror if isinstance(reason, OSError) and reason.strerror else reason
    return show(str(words).lower())


def _copy(response: Any, file: IO[bytes], advance: Any) -> int:
    done = 0
    while block := response.read(_BLOCK):
        file.write(block)
        advance(len(block))
        done += len(block)
    return done


def _opener() -> urllib.request.OpenerDirector:
    """HTTP alone: no files, no FTP; proxies as the environment says."""
    opener = urllib.request.OpenerDirector()
    handlers = (
        urllib.request.ProxyHandler(),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
        urllib.request.UnknownHandler(),
        _Redirects(),
    )
    for handler in handlers:
        opener.add_handler(handler)
    return opener


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows a few redirections, to http and https only, and never from https down to http."""

    max_redirections = 5

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        old, new = urllib.parse.urlsplit(req.full_url), urllib.parse.urlsplit(newurl)
        downgraded = old.scheme == "https" and new.scheme != "https"
        if new.scheme not in ("http", "https") or downgraded:
            raise urllib.error.HTTPError(
                newurl, 400, f"a redirection to {new.scheme}: is not followed", headers, fp
            )
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _starts_at(response: Any, held: int) -> bool:
    return str(response.headers.get("Content-Range", "")).startswith(f"bytes {held}-")


def _total(response: Any, start: int) -> int | None:
    length = response.headers.get("Content-Length", "")
    return start + int(length) if length.isascii() and length.isdigit() else None


def _restart_unless_whole(download: Download, part: Path, content_range: str) -> None:
    """416: nothing lies beyond what is held, so it is the whole file, or one that has changed since."""
    size = content_range.rpartition("/")[2]
    if not size.isdigit() or int(size) != part.stat().st_size:
        part.unlink()
        raise ConnectionError("the file on the server has changed")


def _require_room(download: Download, part: Path, needed: int) -> None:
    free = shutil.disk_usage(part.parent).free
    if needed > free:
        raise _failed(download, f"{needed:,} bytes are needed in `{show(part.parent)}`, {free:,} are free")


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
            _meta(part).unlink(missing_ok=True)
            message = f"what came is not the published file: its {what} is {found}, not {expected}"
            raise _failed(download, message)
    return sha256.hexdigest()


def _placed(download: Download, part: Path, folder: Path, progress: Progress) -> int:
    """Unpack, or move to its name; gives the number of files that were unpacked."""
    archive = part.with_name(download.name)
    os.replace(part, archive)
    if not (download.unpack and is_archive(archive)):
        os.replace(archive, folder / download.name)
        _meta(part).unlink(missing_ok=True)
        return 0
    try:
        with progress(f"unpacking {download.name}", None) as advance:
            files = extract(archive, folder, advance=advance)
    except DataError:
        archive.unlink()
        _meta(part).unlink(missing_ok=True)
        raise
    except OSError as error:
        message = f"unpacking stopped, {_why(error)}; the archive is kept for the next call"
        raise _failed(download, message) from None
    archive.unlink()
    _meta(part).unlink(missing_ok=True)
    return files


def _validator(part: Path) -> str:
    """What tells the server which version the bytes that are held belong to; nothing where it gave no strong
    one.
    """
    try:
        return str(json.loads(_meta(part).read_bytes())["validator"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def _keep_validator(part: Path, response: Any) -> None:
    tag = response.headers.get("ETag", "")
    validator = tag if tag and not tag.startswith("W/") else response.headers.get("Last-Modified", "")
    _write_note(_meta(part), {"validator": validator})


def _meta(part: Path) -> Path:
    return part.with_name(f"{part.name}.json")


def _write_note(path: Path, note: dict[str, object]) -> None:
    beside = path.with_name(f"{path.name}.tmp")
    with open(beside, "w", encoding="utf-8") as file:
        json.dump(note, file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(beside, path)


def _failed(download: Download, message: str) -> DataError:
    by_hand = f"fetch {download.url} ({download.about}) by hand and put what it holds into the corpus folder"
    return DataError(f"{download.name} could not be fetched: {message}", help=f"try again, or {by_hand}")
