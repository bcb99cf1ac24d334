"""Where peers leave what they have worked out: a folder or an object store that all of them reach.

    <place>/<digest>/lock.json                                what everybody agrees on
    <place>/<digest>/step-00000012/0003.claim-<peer>          somebody is at work on it
    <place>/<digest>/step-00000012/0003.result-<sha256>       what came of it
    <place>/<digest>/step-00000012/0003.state-<sha256>        of a replica: what whoever plays it next needs
    <place>/<digest>/checkpoints/step-00000500/…              a checkpoint, and the journal until there

No server has to live and nothing is locked.  A claim is advice: a piece of work is a pure function of what
all know, so that whoever does it again gets the same bytes, and they go by their SHA-256.  A writer that was
killed leaves a file that is not what its name says, which is as good as none.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import shutil
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from seqspec.data.store.durable import json_bytes, write_durably
from seqspec.data.store.object_store import opened, scheme, tried, written
from seqspec.data.store.prepared_store import READ_ONLY, require_address
from seqspec.runtime.checkpoints.checkpoint import (
    BESIDE,
    MANIFEST,
    STATE,
    folder_name,
    read_checkpoint,
    read_manifest,
)
from seqspec.runtime.checkpoints.tensor_file import Damaged
from seqspec.runtime.reproducibility.lock import Lock, drifts, refuse
from seqspec.runtime.run_folder.folder import RunFolder, step_of
from seqspec.schema.diagnostic import Exit, RunError

Kind = Literal["result", "state"]

LOCK = "lock.json"
CHECKPOINTS = "checkpoints"
JOURNAL = "metrics.jsonl"
LARGEST_LOCK = 2**28
_NAME = re.compile(r"(\d{4,})\.(?:claim-([0-9a-f]{8})|result-([0-9a-f]{64}))")


@dataclass
class Found:
    """What lies there of one step, by number of the piece of work."""

    claims: dict[int, set[str]] = field(default_factory=lambda: defaultdict(set))
    """Peers that are at work on it."""
    results: dict[int, set[str]] = field(default_factory=lambda: defaultdict(set))
    """SHA-256 of what they have found: one, unless somebody's arithmetic differs."""


def store_address(place: str) -> str:
    """The address of a folder or a store; raises ``RunError`` where peers cannot meet there."""
    address = place if "://" in place else Path(place).absolute().as_uri()
    require_address(address, said="--peers")
    if scheme(address) in READ_ONLY:
        raise RunError(
            f"--peers: nothing can be written to `{address}`",
            exit=Exit.USAGE,
            help="name the object store behind it, such as `s3://BUCKET/FOLDER`",
        )
    return address


class MeetingPlace:
    """One run of a plan at ``address``."""

    def __init__(self, address: str, *, digest: str, peer: str) -> None:
        """``address``: a folder, or the address of a store as for prepared data.  ``peer``: eight hexadecimal
        digits that nobody else has.

        Raises ``RunError`` where none can be there.
        """
        address = store_address(address)
        self.address, self.peer = f"{address.rstrip('/')}/{digest[:12]}", peer
        self.sent = self.received = 0
        """Bytes of results."""

    @cached_property
    def _opened(self) -> tuple[Any, str]:
        store, root = opened(self.address)
        return store, root.rstrip("/")

    # Agreement.

    def agree(self, lock: Lock) -> None:
        """Leave the lock, or make sure that the one which is there says the same; raises ``RunError`` with
        every difference.
        """
        data = self._read(LOCK, most=LARGEST_LOCK)
        if data is None:
            self._write(LOCK, json_bytes(lock))
            return
        try:
            known = json.loads(data)
        except (ValueError, RecursionError):
            known = None
        if not isinstance(known, dict):
            raise RunError(
                f"`{self.address}/{LOCK}` is no lock", exit=Exit.STORAGE, help="let peers meet elsewhere"
            )
        refuse(
            drifts(known, json.loads(json_bytes(lock))),
            lock=f"{self.address}/{LOCK}",
            help="peers have the same data, packages and `--threads`, and processors that give the same bits",
        )

    # Work.

    def found(self, step: int) -> Found:
        """What lies there of a step."""
        found = Found()
        for name in self._names(folder_name(step)):
            if not (match := _NAME.fullmatch(name)):
                continue
            number, peer, digest = match.groups()
            if peer:
                found.claims[int(number)].add(peer)
            else:
                found.results[int(number)].add(digest)
        return found

    def claim(self, step: int, number: int) -> None:
        """Say that this peer is at work on it."""
        self._write(f"{folder_name(step)}/{number:04d}.claim-{self.peer}", b"")

    def publish(self, step: int, number: int, data: bytes, *, kind: Kind = "result") -> str:
        """Leave what came of it; gives its SHA-256."""
        digest = hashlib.sha256(data).hexdigest()
        self._write(f"{folder_name(step)}/{number:04d}.{kind}-{digest}", data)
        self.sent += len(data)
        return digest

    def fetch(self, step: int, number: int, digest: str, *, most: int, kind: Kind = "result") -> bytes | None:
        """What came of it, at most so many bytes; ``None`` where it is gone, or not what its name says."""
        data = self._read(f"{folder_name(step)}/{number:04d}.{kind}-{digest}", most=most)
        if data is None or hashlib.sha256(data).hexdigest() != digest:
            return None
        self.received += len(data)
        return data

    # Checkpoints.

    def newest(self) -> int:
        """The step of the newest checkpoint, 0 where there is none."""
        steps = {step for name in self._names(CHECKPOINTS) if (step := step_of(name)) is not None}
        whole = (step for step in sorted(steps, reverse=True) if self._is_whole(step))
        return next(whole, 0)

    def _is_whole(self, step: int) -> bool:
        """Whether a checkpoint is all there, and not still on its way."""
        place = self._place(f"{CHECKPOINTS}/{folder_name(step)}/{MANIFEST}")
        return bool(tried(lambda: self._opened[0].exists(place), self.address))

    def publish_checkpoint(self, folder: RunFolder, step: int) -> None:
        """Copy a checkpoint of a run and its journal until there, unless it is there, and take away the work
        that only an older one needs.
        """
        before = self.newest()
        if before >= step:
            return
        source = folder.checkpoints / folder_name(step)
        place = f"{CHECKPOINTS}/{folder_name(step)}"
        length = int(json.loads((source / STATE).read_bytes())["standing"]["journal"])
        with folder.metrics.open("rb") as journal:
            self._write(f"{place}/{JOURNAL}", journal.read(length))
        for path in sorted(source.iterdir()):
            if path.name != MANIFEST:
                self._write(f"{place}/{path.name}", path.read_bytes())
        self._write(f"{place}/{MANIFEST}", (source / MANIFEST).read_bytes())  # last: now it is there
        for name in self._names(""):
            old = step_of(name)
            if old is not None and old <= before:
                self._remove(name)

    def require_checkpoint(self, folder: RunFolder, *, beyond: int) -> None:
        """``fetch_checkpoint``; raises ``RunError`` where there is none to go on from."""
        if not self.fetch_checkpoint(folder, beyond=beyond):
            raise RunError(
                f"what the peers at {self.address} left after step {beyond:,} is gone or damaged",
                exit=Exit.STORAGE,
                help=f"take what is of later steps than {beyond:,} away there; `--resume auto` does it again",
            )

    def fetch_checkpoint(self, folder: RunFolder, *, beyond: int) -> bool:
        """Copy the newest checkpoint and its journal into a run, where it is ``beyond`` a step; gives whether
        it is.

        Raises ``RunError`` where anything in it is not as it was written.
        """
        step = self.newest()
        if step <= beyond:
            return False
        place, final = f"{CHECKPOINTS}/{folder_name(step)}", folder.checkpoints / folder_name(step)
        beside = folder.checkpoints / f"{BESIDE}{final.name}-fetched"
        shutil.rmtree(beside, ignore_errors=True)
        beside.mkdir(parents=True)
        try:
            (beside / MANIFEST).write_bytes(self._require(f"{place}/{MANIFEST}"))
            names = [STATE, *(f"{name}.safetensors" for name in read_manifest(beside)["files"])]
            for name in names:
                (beside / name).write_bytes(self._require(f"{place}/{name}"))
            journal = self._require(f"{place}/{JOURNAL}")
            read_checkpoint(beside, step=step)
        except Damaged as error:
            raise self._damaged(step, error) from None
        write_durably(folder.metrics, journal)
        shutil.rmtree(final, ignore_errors=True)
        beside.rename(final)
        return True

    def _damaged(self, step: int, error: Damaged) -> RunError:
        return RunError(
            f"checkpoint {folder_name(step)} at {self.address} cannot be used: {error}",
            exit=Exit.STORAGE,
            help=f"take {self.address}/{CHECKPOINTS}/{folder_name(step)} away; "
            "peers then go on from the one before",
        )

    # Files.

    def _place(self, name: str) -> str:
        root = self._opened[1]
        return f"{root}/{name}" if name else root

    def _names(self, name: str) -> Iterator[str]:
        store, place = self._opened[0], self._place(name)

        def listed() -> list[str]:
            try:
                store.invalidate_cache(place)
                return [str(one) for one in store.ls(place, detail=False)]
            except FileNotFoundError:
                return []

        return (path.rstrip("/").rsplit("/", 1)[-1] for path in tried(listed, self.address))

    def _read(self, name: str, *, most: int | None = None) -> bytes | None:
        store, place = self._opened[0], self._place(name)

        def read() -> bytes | None:
            try:
                if most is not None and store.size(place) > most:
                    return None
                data: bytes = store.cat_file(place)
            except FileNotFoundError:
                return None
            return data

        return tried(read, self.address)

    def _require(self, name: str) -> bytes:
        data = self._read(name)
        if data is None:
            raise Damaged(f"{name.rsplit('/', 1)[-1]} is missing")
        return data

    def _write(self, name: str, data: bytes) -> None:
        store, place = self._opened[0], self._place(name)

        def write() -> None:
            if scheme(self.address) != "file":  # whole or absent by its nature
                store.pipe_file(place, data)
                return
            path = Path(place)
            beside = path.with_name(f".{path.name}.{self.peer}")
            path.parent.mkdir(parents=True, exist_ok=True)
            beside.write_bytes(data)
            beside.replace(path)

        written(write, self.address)

    def _remove(self, name: str) -> None:
        def remove() -> None:
            with contextlib.suppress(FileNotFoundError):  # another peer was first
                self._opened[0].rm(self._place(name), recursive=True)

        tried(remove, self.address)
