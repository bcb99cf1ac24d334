"""One checkpoint: a folder that is whole or absent, and that is checked to the bit before it is used.

    step-00001000/  weights.safetensors  optimizer.safetensors  state.json  MANIFEST.json

Everything is written into a folder beside, each file fsynced, the manifest last; then the folder is
renamed.  Nothing in it is a pickle.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from seqspec.data.store.durable import sync_folder
from seqspec.runtime.checkpoints.tensor_file import Damaged, pieces, read_tensors, tensor_digest

MANIFEST = "MANIFEST.json"
STATE = "state.json"
BESIDE = ".writing-"


@dataclass(frozen=True)
class Checkpoint:
    """What a run needs to go on: tensors by file and name, and plain numbers."""

    step: int
    tensors: Mapping[str, Mapping[str, Tensor]]
    """``weights``, ``optimizer`` and, where weights are averaged, ``average``."""
    state: Mapping[str, Any]
    """JSON."""
    file: Path | None = None
    """Where the weights stand in a file of their own, outside the run's checkpoints."""


def folder_name(step: int) -> str:
    """Names sort as steps do."""
    return f"step-{step:08d}"


def write_checkpoint(parent: Path, checkpoint: Checkpoint) -> Path:
    """Write a checkpoint under ``parent``; gives its folder.  A reader sees all of it or nothing."""
    final = parent / folder_name(checkpoint.step)
    beside = parent / f"{BESIDE}{final.name}-{os.getpid()}"
    try:
        _fill(beside, checkpoint)
        if final.exists():
            shutil.rmtree(final)
        beside.rename(final)
    except BaseException:
        shutil.rmtree(beside, ignore_errors=True)
        raise
    sync_folder(parent)
    return final


def read_checkpoint(folder: Path, *, step: int | None = None) -> Checkpoint:
    """Read and check every byte; raises ``Damaged`` naming the first thing that is not as it was written,
    also where the folder holds another ``step`` than it should.
    """
    manifest = read_manifest(folder)
    if step is not None and manifest["step"] != step:
        raise Damaged(f"it holds step {manifest['step']}: it was copied or renamed")
    state_bytes = _whole(folder / STATE)
    if hashlib.sha256(state_bytes).hexdigest() != manifest["state"]:
        raise Damaged(f"{STATE} is not what was written")
    tensors = {
        name: _verified(folder / f"{name}.safetensors", entry) for name, entry in manifest["files"].items()
    }
    state = _object(state_bytes, STATE)
    return Checkpoint(step=manifest["step"], tensors=tensors, state=state)


def read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest, its own digest checked."""
    data = _whole(folder / MANIFEST)
    try:
        seal, body = data.split(b"\n", 1)
    except ValueError:
        raise Damaged(f"{MANIFEST} is cut short") from None
    if hashlib.sha256(body).hexdigest().encode() != seal:
        raise Damaged(f"{MANIFEST} is not what was written")
    found = _object(body, MANIFEST)
    if not _well_formed(found):
        raise Damaged(f"{MANIFEST} is not one of this program")
    return found


def _object(data: bytes, name: str) -> dict[str, Any]:
    try:
        found = json.loads(data)
    except (ValueError, RecursionError):
        raise Damaged(f"{name} is no JSON") from None
    if not isinstance(found, dict):
        raise Damaged(f"{name} holds no object")
    return found


def _well_formed(manifest: Mapping[str, Any]) -> bool:
    """Whether a manifest has the fields and types of one, and names no file outside its folder."""
    files = manifest.get("files")
    entries = files.values() if isinstance(files, dict) else [None]
    return (
        type(manifest.get("step")) is int
        and isinstance(manifest.get("state"), str)
        and all(re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]*", name) for name in files or ())
        and all(
            isinstance(entry, dict)
            and isinstance(entry.get("header"), str)
            and isinstance(entry.get("tensors"), dict)
            and type(entry.get("size")) is int
            for entry in entries
        )
    )


def sweep(parent: Path) -> int:
    """Take away what writers that were killed have left; gives how many."""
    orphans = [entry for entry in parent.glob(f"{BESIDE}*") if entry.is_dir() and not entry.is_symlink()]
    for orphan in orphans:
        shutil.rmtree(orphan, ignore_errors=True)
    return len(orphans)


def _fill(folder: Path, checkpoint: Checkpoint) -> None:
    folder.mkdir(parents=True)
    files = {
        name: _write_tensors(folder / f"{name}.safetensors", t) for name, t in checkpoint.tensors.items()
    }
    state = json.dumps(checkpoint.state, sort_keys=True).encode()
    _write(folder / STATE, [state])
    manifest = {"step": checkpoint.step, "files": files, "state": hashlib.sha256(state).hexdigest()}
    body = json.dumps(manifest, sort_keys=True, indent=1).encode()
    _write(folder / MANIFEST, [hashlib.sha256(body).hexdigest().encode() + b"\n", body])
    sync_folder(folder)


def _write_tensors(path: Path, tensors: Mapping[str, Tensor]) -> dict[str, object]:
    digests: dict[str, str] = {}
    header = ""

    with path.open("xb") as file:
        for name, data in pieces(tensors):
            file.write(data)
            if name is None:
                header = hashlib.sha256(data).hexdigest()
            else:
                digests[name] = tensor_digest(name, tensors[name], data)
        file.flush()
        os.fsync(file.fileno())
    return {"header": header, "tensors": digests, "size": path.stat().st_size}


def _write(path: Path, parts: list[bytes]) -> None:
    with path.open("xb") as file:
        for part in parts:
            file.write(part)
        file.flush()
        os.fsync(file.fileno())


def _whole(path: Path) -> bytes:
    try:
        if not path.is_file():
            raise Damaged(f"{path.name} is missing")
        return path.read_bytes()
    except FileNotFoundError:
        raise Damaged(f"{path.name} is missing") from None


def _verified(path: Path, entry: Mapping[str, Any]) -> dict[str, Tensor]:
    if not path.is_file():
        raise Damaged(f"{path.name} is missing")
    if path.stat().st_size != entry["size"]:
        raise Damaged(f"{path.name} holds {path.stat().st_size} bytes instead of {entry['size']}")
    with path.open("rb") as file:
        length = file.read(8)
        header = length + file.read(min(int.from_bytes(length, "little"), entry["size"]))
    if hashlib.sha256(header).hexdigest() != entry["header"]:
        raise Damaged(f"the header of {path.name} is not what was written")
    tensors = read_tensors(path)
    for name, digest in entry["tensors"].items():
        if name not in tensors or tensor_digest(name, tensors[name]) != digest:
            raise Damaged(f"tensor `{name}` of {path.name} is not what was written")
    return tensors
