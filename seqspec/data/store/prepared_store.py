"""Prepared data in an object store: the stores of a cache below one address, fetched when they are asked for.

``<address>/<stage>/<key>/`` holds the files of one store, ``<address>/corpora/<key>.json`` the SHA-256 of
each file that a split was read from.  A manifest is uploaded after its files, so half an upload is not there
for whoever reads.  What comes is not believed: the manifest must be of the store that was asked for, every
file must have the size and SHA-256 that it says, and nothing is seen by its name before all of it is there.
A SHA-256 finds damage, not malice: who may write to the address decides what is learned from.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from seqspec.data.progress import Advance, Progress, silent
from seqspec.data.store.cache import key_of, sealed, sha256, storage, unsealed
from seqspec.data.store.durable import json_bytes, sync_folder, write_durably
from seqspec.data.store.manifest_check import Entry, checked, require_offsets
from seqspec.data.store.object_store import opened, scheme, tried, written
from seqspec.data.store.store import JOURNAL, MANIFEST
from seqspec.schema.diagnostic import Exit, RunError
from seqspec.schema.remote import STORES

VARIABLE = "SEQSPEC_STORE"
"""Names the address where prepared data are looked for before they are prepared."""
MARK = "seqspec-store.json"
"""Says that prepared data lie here, so that a wrong address is not taken for an empty one."""
MARK_DATA = json_bytes({"holds": "prepared data of seqspec"})
SCHEMES = ("s3", "gs", "gcs", "hf", "https", "http", "file", "memory")
READ_ONLY = ("https", "http")
BLOCK = 2**22
LARGEST_DOCUMENT = 2**28
"""Bytes of a manifest, which holds no data, beyond which it is not read."""


def named_store(progress: Progress = silent) -> PreparedStore | None:
    """The store that ``SEQSPEC_STORE`` names, if it names one."""
    address = os.environ.get(VARIABLE, "").strip()
    return PreparedStore.at(address, progress, said=VARIABLE) if address else None


@dataclass(frozen=True)
class Pushed:
    """What was copied to a store."""

    address: str
    stores: int
    """Those of the experiment."""
    uploaded: int
    """Those of them that were not there."""
    bytes: int
    """Of what was uploaded."""


def require_address(address: str, *, said: str) -> None:
    """Raises ``RunError`` where no store can be at ``address``, which ``said`` named."""
    parts = urlsplit(address)
    example = "write `s3://BUCKET/FOLDER`, or `file:///FOLDER` for a folder"
    if scheme(address) not in SCHEMES or "://" not in address:
        kinds = ", ".join(f"{one}://" for one in SCHEMES)
        raise _usage(f"{said}: `{_bare(address)}` is no address of {kinds}", example)
    if parts.username or parts.password or parts.query or parts.fragment:
        known = STORES.get(scheme(address))
        named = " and ".join(known.variables[:2]) if known else ""
        raise _usage(
            f"{said}: `{_bare(address)}` must hold no user, key or query",
            f"take it out, and set {named} in the environment" if named else "take it out",
        )
    if not parts.netloc and scheme(address) != "file":
        raise _usage(f"{said}: `{address}` names no place", example)


@dataclass(frozen=True)
class PreparedStore:
    """Prepared data below an address."""

    address: str
    progress: Progress = silent

    @classmethod
    def at(cls, address: str, progress: Progress = silent, *, said: str) -> PreparedStore:
        """The store at ``address``, which ``said`` named.  Raises ``RunError`` where none can be there."""
        require_address(address, said=said)
        return cls(address.rstrip("/"), progress)

    # Reading.

    def fetch(self, stage: str, parts: object, folder: Path) -> bool:
        """Copy the store of ``parts`` to ``folder``; ``False`` where it is not there.

        An interrupted copy goes on where it stopped.  Raises ``RunError`` with exit code 5.
        """
        place = f"{stage}/{key_of(parts)}"
        data = self._document(f"{place}/{MANIFEST}")
        if data is None:
            self._known  # noqa: B018  a wrong address is not an empty one
            return False
        with self._believing(place):
            entries = checked(data, stage=stage, parts=parts)
        beside = folder.with_name(folder.name + ".fetched")
        with storage(folder.parents[1]):
            beside.mkdir(parents=True, exist_ok=True)
            _require_room(beside, entries)
            total = sum(entry.bytes for entry in entries.values())
            with self.progress(f"fetching {stage}", total) as advance:
                for name, entry in entries.items():
                    self._file(place, name, entry, beside, advance)
            with self._believing(place):
                require_offsets(beside, entries)
            write_durably(beside / MANIFEST, data)
            beside.rename(folder)
            sync_folder(folder.parent)
        return True

    def files_of(self, source: object, split: str) -> dict[str, str] | None:
        """SHA-256 of the files that a split was prepared from, by name; ``None`` where that is not known."""
        asked = json.loads(json_bytes({"source": source, "split": split}))
        name = f"corpora/{key_of(asked)}.json"
        data = self._document(name)
        if data is None:
            self._known  # noqa: B018
            return None
        with self._believing(name):
            try:
                found = unsealed(data)
                files: dict[str, str] = dict(found.pop("files"))
            except (ValueError, KeyError, TypeError, RecursionError):
                raise ValueError("it was changed after it was written") from None
            if found != asked or not all(isinstance(one, str) for one in files.values()):
                raise ValueError("it is of another corpus")
        return files

    @cached_property
    def _opened(self) -> tuple[Any, str]:
        store, root = opened(self.address)
        return store, root.rstrip("/")

    def _place(self, name: str) -> str:
        return f"{self._opened[1]}/{name}"

    @cached_property
    def _known(self) -> None:
        if self._document(MARK) is None:
            raise RunError(
                f"`{self.address}` holds no prepared data",
                exit=Exit.STORAGE,
                help=f"correct {VARIABLE}, or run `seqspec data prepare SPEC --push {self.address}` once; "
                f"without {VARIABLE} data are prepared here",
            )

    def _document(self, name: str) -> bytes | None:
        """A small file; ``None`` where there is none."""
        try:
            data = tried(lambda: self._beginning(name, LARGEST_DOCUMENT + 1), self.address)
        except FileNotFoundError:
            return None
        with self._believing(name):
            if len(data) > LARGEST_DOCUMENT:
                raise ValueError(f"it is larger than {LARGEST_DOCUMENT:,} bytes")
        return data

    def _beginning(self, name: str, size: int) -> bytes:
        store, place = self._opened[0], self._place(name)
        given: bytes
        if scheme(self.address) in ("http", "https"):
            # Its `open` takes a server that is down for a file that is not there.
            given = store.cat_file(place, 0, size)
        else:
            # The `cat_file` of S3 reads another range where it begins with 0.
            with store.open(place, "rb") as file:
                given = file.read(size)
        return given

    def _file(self, place: str, name: str, entry: Entry, beside: Path, advance: Advance) -> None:
        """One file of a store, whole and as its manifest says, in the folder ``beside``."""
        file, part = beside / name, beside / f"{name}.part"
        if file.exists() and file.stat().st_size == entry.bytes and sha256(file) == entry.sha256:
            advance(entry.bytes)
            return
        file.unlink(missing_ok=True)
        for again in (False, True):
            try:
                tried(lambda: self._append(f"{place}/{name}", part, entry, advance), self.address)
            except FileNotFoundError:
                self._document(f"{place}/{MANIFEST}")  # tells where the store itself is gone
                self._refuse(f"{place}/{name}", "it is not there, though a manifest names it")
            if part.stat().st_size == entry.bytes and sha256(part) == entry.sha256:
                break
            part.unlink()
            if again:
                self._refuse(f"{place}/{name}", "its bytes are not those that its manifest names")
        os.utime(part, ns=(entry.modified, entry.modified))
        part.rename(file)

    def _append(self, name: str, part: Path, entry: Entry, advance: Advance) -> None:
        """Copy what is missing of a file behind what is there."""
        with self._opened[0].open(self._place(name), "rb") as source, _to_append(part) as copy:
            try:
                source.seek(copy.tell())
            except (ValueError, OSError):  # a server that gives whole files only
                copy.truncate(0)
                copy.seek(0)
            advance(copy.tell())
            # One byte more than there should be is enough to know that it is another file.
            while block := source.read(max(0, min(BLOCK, entry.bytes + 1 - copy.tell()))):
                with storage(part.parents[2]):
                    copy.write(block)
                advance(len(block))
            copy.flush()
            os.fsync(copy.fileno())
        came, there = part.stat().st_size, self._opened[0].size(self._place(name))
        if came < entry.bytes and there is not None and there < entry.bytes:
            self._refuse(name, f"it has {there:,} bytes, and its manifest says {entry.bytes:,}")
        if came < entry.bytes:
            raise OSError(f"{came:,} of {entry.bytes:,} bytes of {name} came")

    @contextlib.contextmanager
    def _believing(self, name: str) -> Iterator[None]:
        """Says of a ``ValueError`` which file it speaks of."""
        try:
            yield
        except ValueError as error:
            self._refuse(name, str(error))

    def _refuse(self, name: str, why: str) -> None:
        raise RunError(
            f"`{self.address}/{name}` is not used: {why}",
            exit=Exit.STORAGE,
            help=f"`seqspec data prepare SPEC --push {self.address} --verify` puts it right, "
            f"where the data are; without {VARIABLE} data are prepared here",
        ) from None

    # Writing.

    def begin(self) -> None:
        """Make sure that this machine may write here, before hours are spent.  Raises ``RunError``."""
        if scheme(self.address) in READ_ONLY:
            raise _usage(
                f"--push: nothing can be written to `{self.address}`",
                "push to the object store behind it, such as `s3://BUCKET/FOLDER`, and read by this address",
            )
        if self._document(MARK) != MARK_DATA:
            self._write(MARK, MARK_DATA)

    def push(
        self, folders: list[Path], corpora: Mapping[str, tuple[object, Mapping[str, str]]], *, verify: bool
    ) -> Pushed:
        """Copy stores that are not here yet, and of each split what its source is and its files.

        ``verify`` reads what is there already, where otherwise its manifest and its sizes are believed.
        """
        self.begin()
        sent = [self._push(folder, verify=verify) for folder in folders]
        for split, (source, files) in corpora.items():
            asked = json.loads(json_bytes({"source": source, "split": split}))
            self._write(f"corpora/{key_of(asked)}.json", sealed(asked | {"files": dict(files)}))
        return Pushed(self.address, len(sent), sum(map(bool, sent)), sum(sent))

    def _push(self, folder: Path, *, verify: bool) -> int:
        """The bytes that were copied of one store."""
        place, data = f"{folder.parent.name}/{folder.name}", (folder / MANIFEST).read_bytes()
        files: dict[str, dict[str, Any]] = unsealed(data)["files"]
        there = self._document(f"{place}/{MANIFEST}")
        whole = there is not None and _same_files(there, files)
        done = {name: entry["sha256"] for name, entry in files.items()} if whole else self._journal(place)
        missing = [name for name in files if not self._is_there(place, name, files[name], done, verify)]
        if not missing and whole:
            return 0
        total = sum(files[name]["bytes"] for name in missing)
        with self.progress(f"pushing {folder.parent.name}", total) as advance:
            for name in missing:
                self._send(folder / name, f"{place}/{name}")
                advance(files[name]["bytes"])
                done[name] = files[name]["sha256"]
                self._write(f"{place}/{JOURNAL}", json_bytes(done))
        self._write(f"{place}/{MANIFEST}", data)
        with contextlib.suppress(FileNotFoundError):
            tried(lambda: self._opened[0].rm_file(self._place(f"{place}/{JOURNAL}")), self.address)
        return total or len(data)

    def _journal(self, place: str) -> dict[str, str]:
        """SHA-256 of the files that an interrupted push has copied."""
        try:
            found = json.loads(self._document(f"{place}/{JOURNAL}") or b"{}")
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}

    def _is_there(
        self, place: str, name: str, entry: Mapping[str, Any], done: Mapping[str, str], verify: bool
    ) -> bool:
        if done.get(name) != entry["sha256"]:
            return False
        where = self._place(f"{place}/{name}")
        try:
            if tried(lambda: self._opened[0].size(where), self.address) != entry["bytes"]:
                return False
        except FileNotFoundError:
            return False
        return not verify or tried(lambda: self._hash(where), self.address) == entry["sha256"]

    def _hash(self, where: str) -> str:
        found = hashlib.sha256()
        with self._opened[0].open(where, "rb") as file:
            while block := file.read(BLOCK):
                found.update(block)
        return found.hexdigest()

    def _send(self, file: Path, name: str) -> None:
        def work() -> None:
            self._make_folder(name)
            self._opened[0].put_file(str(file), self._place(name))

        written(work, self.address)

    def _write(self, name: str, data: bytes) -> None:
        def work() -> None:
            self._make_folder(name)
            self._opened[0].pipe_file(self._place(name), data)

        written(work, self.address)

    def _make_folder(self, name: str) -> None:
        """Buckets have no folders, and are not made: a name with a slip must not become a bucket."""
        if scheme(self.address) in ("file", "memory"):
            self._opened[0].makedirs(self._place(name).rpartition("/")[0], exist_ok=True)


def _usage(message: str, help: str) -> RunError:
    return RunError(message, exit=Exit.USAGE, help=help)


def _bare(address: str) -> str:
    """An address without a key that may stand in it, to be shown."""
    before, found, behind = address.partition("://")
    return f"{before}{found}{behind.rpartition('@')[2].partition('?')[0]}"[:200]


def _size(part: Path) -> int:
    return part.stat().st_size if part.exists() else 0


def _to_append(part: Path) -> Any:
    file = part.open("ab")
    file.seek(0, os.SEEK_END)
    return file


def _same_files(data: bytes, files: Mapping[str, Mapping[str, Any]]) -> bool:
    """Whether a manifest is of the same files, whenever they were written."""
    try:
        found = unsealed(data)["files"]
        return bool(
            {name: entry["sha256"] for name, entry in found.items()}
            == {name: entry["sha256"] for name, entry in files.items()}
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return False


def _require_room(beside: Path, entries: Mapping[str, Entry]) -> None:
    needed = sum(entry.bytes - _size(beside / f"{name}.part") for name, entry in entries.items())
    needed -= sum(_size(beside / name) for name in entries)
    free = shutil.disk_usage(beside).free
    if needed > free:
        raise RunError(
            f"{needed:,} bytes are to be fetched, and {beside.parents[1]} has room for {free:,}",
            exit=Exit.STORAGE,
            help="make room, or point SEQSPEC_CACHE to another folder; fetching goes on where it stopped",
        )
