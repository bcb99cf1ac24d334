"""One attempt to bring a file from the web, going on behind the bytes that are there already.

HTTP and HTTPS alone; redirections are followed a few times, never to another scheme nor from https to
http.
"""

from __future__ import annotations

import http.client
import json
import os
import shutil
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import IO, Any

from seqspec.data.printable import show
from seqspec.data.progress import Progress
from seqspec.schema.adapter._adapter import Download
from seqspec.schema.diagnostic import DataError

_BLOCK = 2**18


def transfer(download: Download, part: Path, progress: Progress, timeout: float) -> None:
    """Fill ``part``.  Raises what the network raises, and ``DataError`` where the disk is too small."""
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
            open(part, "ab" if start else "wb", opener=not_through_links) as file,
            progress(f"fetching {download.name}", total) as advance,
        ):
            advance(start)
            done = start + _copy(response, file, advance)
        if total is not None and done < total:
            raise http.client.IncompleteRead(b"", total - done)


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
        raise failed(download, f"{needed:,} bytes are needed in `{show(part.parent)}`, {free:,} are free")


def _validator(part: Path) -> str:
    """What tells the server which version the bytes that are held belong to; nothing where it gave no strong
    one.
    """
    try:
        return str(json.loads(note_of(part).read_bytes())["validator"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def _keep_validator(part: Path, response: Any) -> None:
    tag = response.headers.get("ETag", "")
    validator = tag if tag and not tag.startswith("W/") else response.headers.get("Last-Modified", "")
    write_note(note_of(part), {"validator": validator})


def write_note(path: Path, note: dict[str, object]) -> None:
    """Write JSON beside its place, and rename it."""
    beside = path.with_name(f"{path.name}.tmp")
    with open(beside, "w", encoding="utf-8", opener=not_through_links) as file:
        json.dump(note, file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(beside, path)


def not_through_links(path: str, flags: int) -> int:
    """For ``open``: fails with ELOOP where the last part of the path is a symbolic link."""
    return os.open(path, flags | os.O_NOFOLLOW, 0o666)


def note_of(part: Path) -> Path:
    """Where it is noted which version of the file a part belongs to."""
    return part.with_name(f"{part.name}.json")


def why(reason: object) -> str:
    """What the system says, without its error number."""
    words = reason.strerror if isinstance(reason, OSError) and reason.strerror else reason
    return show(str(words).lower())


def failed(download: Download, message: str) -> DataError:
    """The error of a download, with what can be done."""
    by_hand = f"fetch {download.url} ({download.about}) by hand and put what it holds into the corpus folder"
    return DataError(f"{download.name} could not be fetched: {message}", help=f"try again, or {by_hand}")
