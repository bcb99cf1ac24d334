"""A corpus in an object store, seen as a folder: each file is copied once into the local cache, and again
when the store holds another version of it.

fsspec knows the stores; credentials come from the environment alone.  Beside the copies ``.remote.json`` says
of each which version it is (size, ETag or time) and its SHA-256.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

from seqspec.data.printable import show
from seqspec.data.store.cache import default_cache
from seqspec.data.store.durable import write_durably
from seqspec.data.store.object_store import opened, tried
from seqspec.schema.diagnostic import DataError
from seqspec.schema.remote import unfit

NOTES = ".remote.json"
BLOCK = 2**20
IDENTITY = ("size", "ETag", "etag", "md5Hash", "crc32c", "generation", "blob_id")
"""What stores say of a file's bytes, in a listing as of the file by itself."""
VERSION = (*IDENTITY, "LastModified", "mtime")
"""What changes when the bytes do."""

Notes = dict[str, dict[str, Any]]


def mirror(address: str, *, corpus: str, cache: Path | None = None) -> Path:
    """The local copy of the folder at ``address``, brought up to date.

    Raises ``DataError`` where there is no such folder or the address holds a key, and ``RunError`` with exit
    code 5 where the store cannot be reached or does not let this machine in.
    """
    if told := unfit(address):  # the check of the spec has not seen an address of the environment
        raise DataError(told[0], corpus=corpus, code="SQ401", at=("data", "source"), help=told[1])
    folder = (
        (cache or default_cache()) / "remote" / hashlib.sha256(address.rstrip("/").encode()).hexdigest()[:32]
    )
    folder.mkdir(parents=True, exist_ok=True)
    store, root = opened(address)
    with _alone(folder):
        listed = _listed(store, root, address, corpus)
        notes = _read_notes(folder)
        for name, info in sorted(listed.items()):
            version = {key: str(info[key]) for key in VERSION if info.get(key) is not None}
            if notes.get(name, {}).get("version") == version and _held(folder / name, notes[name]):
                continue
            size, digest = tried(partial(_copy, store, info, folder / name), address)
            notes[name] = {"version": version, "bytes": size, "sha256": digest}
            _write_notes(folder, notes)
        for name in notes.keys() - listed.keys():
            (folder / name).unlink(missing_ok=True)
            del notes[name]
        _write_notes(folder, notes)
    return folder


def _listed(store: Any, root: str, address: str, corpus: str) -> dict[str, Mapping[str, Any]]:
    """Every file below the folder by its name there; raises ``DataError`` where there is none."""

    def find() -> dict[str, Mapping[str, Any]]:
        store.ls(root, detail=False)  # says what is wrong, where `find` finds nothing
        found: dict[str, Mapping[str, Any]] = store.find(root, detail=True)
        return {
            name: info if info.get("size") else {**info, **store.info(name)} for name, info in found.items()
        }

    try:
        found = tried(find, address)
    except FileNotFoundError:
        found = {}
    named: dict[str, Mapping[str, Any]] = {
        name: {**info, "name": path}
        for path, info in found.items()
        if (name := _below(path, root)) and info.get("type", "file") == "file"
    }
    if not named:
        raise DataError(f"there is no folder `{show(address)}` with files in it", corpus=corpus, code="SQ401",
                        at=("data", "source"), help="list what is there, and correct `root`")  # fmt: skip
    return named


def _below(path: str, root: str) -> str | None:
    """The name of a file below the folder; ``None`` for one that must not be written here."""
    name = path.removeprefix(root).lstrip("/")
    parts = PurePosixPath(name).parts
    return (
        None
        if not name or not path.startswith(root) or ".." in parts or "\0" in name or name == NOTES
        else name
    )


def _copy(store: Any, info: Mapping[str, Any], place: Path) -> tuple[int, str]:
    """Copy one file beside its place, then into it; gives its size and SHA-256."""
    place.parent.mkdir(parents=True, exist_ok=True)
    part, digest, size = place.with_name(place.name + ".part"), hashlib.sha256(), 0
    with store.open(info["name"], "rb") as source, part.open("wb") as copy:
        while block := source.read(BLOCK):
            copy.write(block)
            digest.update(block)
            size += len(block)
        copy.flush()
        os.fsync(copy.fileno())
    if info.get("size") not in (None, size):
        raise OSError(f"{size:,} of {info['size']:,} bytes of {info['name']} came")
    now = store.info(info["name"])
    if any(str(now[key]) != str(info[key]) for key in IDENTITY if None not in (now.get(key), info.get(key))):
        # Its blocks may be of either version.
        raise OSError(f"{info['name']} was changed while it was copied")
    part.replace(place)
    return size, digest.hexdigest()


def _held(place: Path, note: Mapping[str, Any]) -> bool:
    return place.is_file() and place.stat().st_size == note["bytes"]


def _read_notes(folder: Path) -> Notes:
    try:
        found: Notes = json.loads((folder / NOTES).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return found


def _write_notes(folder: Path, notes: Notes) -> None:
    write_durably(folder / NOTES, json.dumps(notes, sort_keys=True, ensure_ascii=False).encode())


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """No other process copies the same folder meanwhile."""
    with folder.with_suffix(".lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
