"""The cache of prepared data: content-addressed, verified, safe for several processes, never a pickle.

``<root>/<stage>/<key>/`` holds one finished store; its key is the SHA-256 of the canonical JSON of everything
that decides its bytes.  It grows as ``<key>.partial`` under a lock, goes on after an interruption where it
last committed, and gets its name by one rename after its manifest, with the SHA-256 of each file and its own,
is on disk.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TextIO

from seqspec.data.store.durable import json_bytes, sync_folder, write_durably
from seqspec.data.store.store import JOURNAL, MANIFEST, Store
from seqspec.schema.diagnostic import Exit, RunError

FORMAT = 3
"""Version of the stores' layout and of the steps' code: part of every key."""

SMALL = 1 << 18
"""Bytes of a file that is hashed in one piece: the buffer for pieces takes as long as to hash 10 kB."""

WAITED_IN_SILENCE = 1.0
"""Seconds that another process may hold a store's lock before that is worth a line."""

SEAL = "seal"
"""Where a manifest holds the SHA-256 of everything else in it."""


def default_cache() -> Path:
    """``SEQSPEC_CACHE``, else the user's cache folder."""
    named = os.environ.get("SEQSPEC_CACHE")
    if named:
        return Path(named).expanduser()
    base = os.environ.get("XDG_CACHE_HOME") or (
        "~/Library/Caches" if sys.platform == "darwin" else "~/.cache"
    )
    return Path(base).expanduser() / "seqspec"


def key_of(parts: object) -> str:
    """SHA-256 in hex of ``parts`` as canonical JSON."""
    whole = {"format": FORMAT, "parts": parts}
    text = json.dumps(whole, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


class Elsewhere(Protocol):
    """Where finished stores may lie as well."""

    def fetch(self, stage: str, parts: object, folder: Path) -> bool:
        """Copy the store of ``parts`` to ``folder``; ``False`` where it is not there."""

    def files_of(self, source: object, split: str) -> dict[str, str] | None:
        """SHA-256 of the files that a split was prepared from, by name; ``None`` where that is not known."""


@dataclass(frozen=True)
class Cache:
    """Finds finished stores and builds the ones that are missing."""

    root: Path
    verify: bool = False
    """Hash every file of every store that is opened, instead of only those that were touched since they
    were written.
    """
    elsewhere: Elsewhere | None = None
    """Where stores are looked for before they are built."""

    def store(self, stage: str, parts: object, build: Callable[[Path], None]) -> Store:
        """The store of ``parts``.

        ``build`` fills a folder, by a ``StoreWriter`` that it commits at the end.
        """
        key = key_of(parts)
        folder = self.root / stage / key
        if not self._sound(folder):
            with self._locked(f"{stage}-{key}"):
                if not self._sound(folder) and not self._fetched(folder, stage, parts):
                    self._build(folder, stage, parts, build)
        return Store(folder)

    def fetch(self, stage: str, parts: object) -> bool:
        """Whether the store is there and sound, or is now that it was looked for elsewhere."""
        folder = self.folder(stage, parts)
        if self.elsewhere is None or self._sound(folder):
            return self._sound(folder)
        with self._locked(f"{stage}-{folder.name}"):
            return self._sound(folder) or self._fetched(folder, stage, parts)

    def has(self, stage: str, parts: object) -> bool:
        """Whether the store is there and sound."""
        return self._sound(self.folder(stage, parts))

    def folder(self, stage: str, parts: object) -> Path:
        """Where the store lies, or would."""
        return self.root / stage / key_of(parts)

    @contextlib.contextmanager
    def ahead(self, stage: str, parts: object) -> Iterator[Path | None]:
        """Where the store of ``parts`` grows, under its lock, for who can write some of it before it is asked
        for; ``None`` where it need not be built here, or another process is at it.
        """
        import fcntl

        folder = self.folder(stage, parts)
        with self._lock_file(f"{stage}-{folder.name}") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield None
            else:
                yield None if self.elsewhere is not None or folder.exists() else _partial(folder)

    def _fetched(self, folder: Path, stage: str, parts: object) -> bool:
        """Take a damaged store away; whether it came from elsewhere then."""
        if folder.exists():
            print(f"seqspec: {folder} is damaged and is made anew", file=sys.stderr)
            shutil.rmtree(folder)
        if self.elsewhere is None or not self.elsewhere.fetch(stage, parts, folder):
            return False
        shutil.rmtree(_partial(folder), ignore_errors=True)
        return True

    def _build(self, folder: Path, stage: str, parts: object, build: Callable[[Path], None]) -> None:
        partial = _partial(folder)
        partial.mkdir(parents=True, exist_ok=True)
        build(partial)
        _finish(partial, stage, parts)
        partial.rename(folder)
        sync_folder(folder.parent)
        (folder / JOURNAL).unlink(missing_ok=True)

    def _sound(self, folder: Path) -> bool:
        """The manifest is as it was written, and every file is there with its length; its hash is compared
        as well where it was touched since.
        """
        try:
            files: dict[str, dict[str, Any]] = unsealed((folder / MANIFEST).read_bytes())["files"]
            return all(_file_sound(folder / name, entry, verify=self.verify) for name, entry in files.items())
        except (FileNotFoundError, NotADirectoryError, ValueError, KeyError, TypeError):
            return False

    @contextlib.contextmanager
    def _locked(self, name: str) -> Iterator[None]:
        """Hold the lock of one store; the kernel lets go of it when the process dies, however that
        happens.
        """
        import fcntl

        with self._lock_file(name) as file:
            said = time.monotonic() + WAITED_IN_SILENCE
            while time.monotonic() < said:
                with contextlib.suppress(BlockingIOError):
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                time.sleep(0.02)
            else:
                print("seqspec: another process is preparing the same data; waiting for it", file=sys.stderr)
                fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _lock_file(self, name: str) -> TextIO:
        folder = self.root / "locks"
        folder.mkdir(parents=True, exist_ok=True)
        return (folder / name).open("a")


def _partial(folder: Path) -> Path:
    """Where a store grows."""
    return folder.with_name(folder.name + ".partial")


def _finish(partial: Path, stage: str, parts: object) -> None:
    journal = json.loads((partial / JOURNAL).read_bytes())
    hashes = journal.get("sha256", {})
    files = {name: _entry(partial / name, hashes.get(name)) for name in sorted(journal["sizes"])}
    manifest = {
        "format": FORMAT,
        "stage": stage,
        "parts": parts,
        "rows": journal["rows"],
        "columns": journal["columns"],
        "state": journal["state"],
        "files": files,
    }
    write_durably(partial / MANIFEST, sealed(manifest))


def sealed(manifest: dict[str, Any]) -> bytes:
    """The bytes of a manifest, its own SHA-256 among them: no bit of it can change unnoticed."""
    plain = json.loads(json_bytes(manifest))  # keys that are no strings sort otherwise once they are
    return json_bytes(plain | {SEAL: hashlib.sha256(json_bytes(plain)).hexdigest()})


def unsealed(data: bytes) -> dict[str, Any]:
    """The manifest; raises ``ValueError`` where a bit differs from what was written."""
    manifest: dict[str, Any] = json.loads(data)
    del manifest[SEAL]
    if sealed(manifest) != data:
        raise ValueError("the manifest is not what was written")
    return manifest


def _entry(path: Path, known: str | None) -> dict[str, Any]:
    status = path.stat()
    return {"bytes": status.st_size, "sha256": known or sha256(path), "modified": status.st_mtime_ns}


def _file_sound(path: Path, entry: dict[str, Any], *, verify: bool) -> bool:
    status = path.stat()
    if status.st_size != entry["bytes"]:
        return False
    if status.st_mtime_ns == entry["modified"] and not verify:
        return True
    known: str = entry["sha256"]
    return sha256(path) == known


FULL = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO}


@contextlib.contextmanager
def storage(root: Path) -> Iterator[None]:
    """Tell a disk that is full, read-only or failing as what it is; nothing that is finished is lost."""
    try:
        yield
    except OSError as error:
        if error.errno not in FULL and not _of_the_cache(error, root):
            raise
        raise RunError(
            f"the cache in {root} cannot be written: {error.strerror}",
            exit=Exit.STORAGE,
            help="make room, or point SEQSPEC_CACHE to another folder; preparing goes on where it stopped",
        ) from None


def _of_the_cache(error: OSError, root: Path) -> bool:
    """Whether something in the folder, or on the way to it, is not to be had."""
    if error.filename is None:
        return False
    place = Path(str(error.filename))
    if not root.is_dir():
        return place.is_relative_to(root) or root.is_relative_to(place)
    return place.is_relative_to(root) and isinstance(error, PermissionError)


def sha256(path: Path) -> str:
    """SHA-256 of a file in hex."""
    with path.open("rb", buffering=0) as file:
        if os.fstat(file.fileno()).st_size <= SMALL:
            return hashlib.sha256(file.readall()).hexdigest()
        return hashlib.file_digest(file, "sha256").hexdigest()


def describe(store: Store) -> dict[str, Any]:
    """Where a store lies and how large it is, for reports."""
    files = store.manifest["files"]
    return {
        "folder": str(store.folder),
        "rows": store.rows,
        "bytes": sum(entry["bytes"] for entry in files.values()),
    }
