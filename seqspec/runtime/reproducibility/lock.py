"""The lock: everything that decides a run's bits, by name and hash, and how two locks differ.

It holds names of environment variables, never their values, and no path of the machine.
"""

from __future__ import annotations

import hashlib
import json
import platform
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from types import MappingProxyType
from typing import Any, get_args

import seqspec
from seqspec.compile.check import written_out
from seqspec.compile.plan.plan import Plan
from seqspec.data.regular_file import NotRegular, read_regular
from seqspec.data.stages.prepare import Prepared
from seqspec.runtime.assembly.assemble import in_whole
from seqspec.runtime.assembly.assembled import Assembled
from seqspec.runtime.assembly.record_digests import RECORDS, record_digests
from seqspec.runtime.devices.machine import Machine
from seqspec.schema.catalogue import Catalogue
from seqspec.schema.diagnostic import Exit, RunError
from seqspec.schema.sections.train import Precision

FORMAT = 1
MAX_DEPTH = 80
"""Levels of a lock: a spec has 64 at most."""
MAX_THREADS = 65_536
MAX_MICRO_BATCHES = 1_000_000
SHARED = (
    "compile/**",
    "data/**",
    "runtime/**",
    "components/_layers",
    "schema",
    "schema/layers",
    "schema/sections",
)
"""Folders of the package whose code every run goes through; ``**`` are those below it as well."""

DISTRIBUTION = "seqspec-compiler"
"""What the package is called where it is installed."""

Lock = dict[str, Any]


@dataclass(frozen=True)
class Drift:
    """One thing that is not as the lock says."""

    name: str
    locked: object
    found: object

    def __str__(self) -> str:
        return f"{self.name}: {_short(self.locked)} in the lock, {_short(self.found)} now"


def make_lock(
    assembled: Assembled, *, machine: Machine, precision: str, micro_batches: int, compiled: bool = False
) -> Lock:
    """The lock of a run as it would be carried out here and now."""
    plan = assembled.compiled.plan
    fused = {name: one.program.language_model for name, one in assembled.each.items()}
    fused = {name: one for name, one in fused.items() if one}
    records = {name: one.record() for name, one in fused.items()}
    sources = [_sources(one.program.plan) for one in fused.values()]
    text = [(in_whole(name, role), steps) for name, one in assembled.each.items()
            for role, steps in one.prepared.parts.text.items()]  # fmt: skip
    read = {name: record_digests(one.prepared.parts) for name, one in assembled.each.items()}
    read = {name: digests for name, digests in read.items() if digests}
    return {
        "format": FORMAT,
        "seqspec": seqspec.__version__,
        "spec": written_out(plan, assembled.compiled.tree),
        "digests": dict(plan.digests),
        "seeds": {"seed": plan.experiment.seed},
        "facts": {
            in_whole(name, fact): value
            for name, one in assembled.each.items()
            for fact, value in one.prepared.facts.items()
        },
        "files": data_files(assembled),
        "vocabularies": {
            in_whole(name, key): _sha256(artifact)
            for name, one in assembled.each.items()
            for key, artifact in one.prepared.artifacts.items()
        },
        "text": {role: steps.fingerprint() for role, steps in text},
        "sources": {key: value for found in (_sources(plan), *sources) for key, value in found.items()},
        **({RECORDS: read} if read else {}),
        **({"language_model": records.get("") or records} if records else {}),
        **({"initialize": list(assembled.initialized)} if assembled.initialized else {}),
        **({"teachers": dict(assembled.teachers)} if assembled.teachers else {}),
        **({"feature_runs": dict(assembled.feature_runs)} if assembled.feature_runs else {}),
        **({"pretrained": dict(assembled.pretrained)} if assembled.pretrained else {}),
        "packages": dict(package_versions()),
        "machine": machine.as_json(),
        "precision": precision,
        "slices": micro_batches,
        "compiled": compiled,
    }


def write_lock(path: Path, lock: Lock) -> None:
    """Durably, keys sorted, so that two locks can be compared by eye; the spec stands as it was written:
    weights are drawn in the order of its tasks and heads.
    """
    from seqspec.data.store.durable import write_durably

    ordered = json.loads(json.dumps(lock, sort_keys=True))
    if "spec" in lock:
        ordered["spec"] = lock["spec"]
    write_durably(path, json.dumps(ordered, indent=1, ensure_ascii=False).encode() + b"\n")


def read_lock(path: Path) -> Lock:
    """Raises ``RunError`` where ``path`` holds no lock."""
    try:
        found = json.loads(read_regular(path))
    except NotRegular as error:
        raise RunError(f"{path} is not a lock: {error.strerror}", exit=Exit.USAGE) from None
    except RecursionError:
        raise RunError(f"{path} is not a lock: it is nested too deeply", exit=Exit.DRIFT) from None
    except FileNotFoundError:
        raise RunError(
            f"there is no lock {path}", exit=Exit.USAGE, help="`seqspec lock SPEC` writes one"
        ) from None
    except ValueError as error:
        raise RunError(f"{path} is not a lock: {error}", exit=Exit.DRIFT) from None
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise RunError(
            f"{path} is not a lock of this version", exit=Exit.DRIFT, help="write it anew: `seqspec lock`"
        )
    for name, kind in _KINDS.items():
        _require(found, name.split("."), kind, path)
    _require_within_bounds(found, path)
    return found


_KINDS: dict[str, type] = {
    "spec": dict, "digests": dict, "files": dict, "machine": dict, "machine.threads": int, "precision": str,
    "slices": int, "compiled": bool,
}  # fmt: skip
"""What a run reads of a lock before it compares the whole of it."""


def _require(lock: Lock, path_in: Sequence[str], kind: type, path: Path) -> None:
    value: Any = lock
    for name in path_in:
        value = value.get(name) if isinstance(value, dict) else None
    if type(value) is not kind:
        name = ".".join(path_in)
        what = "has no" if value is None else f"holds {_short(value)!r} as its"
        raise RunError(f"{path} is not whole: it {what} `{name}`", exit=Exit.DRIFT,
                       help="put it back from a copy, or write it anew: `seqspec lock SPEC`")  # fmt: skip


def _require_within_bounds(lock: Lock, path: Path) -> None:
    """A lock may come from a stranger, and what it says is handed to libraries."""
    if not 1 <= lock["machine"]["threads"] <= MAX_THREADS:
        why = f"`machine.threads` is {lock['machine']['threads']}"
    elif not 1 <= lock["slices"] <= MAX_MICRO_BATCHES:
        why = f"`slices` is {lock['slices']}"
    elif lock["precision"] not in get_args(Precision):
        why = f"`precision` is {_short(lock['precision'])}"
    elif _deeper(lock, MAX_DEPTH):
        why = f"it is nested deeper than {MAX_DEPTH} levels"
    else:
        return
    raise RunError(f"{path} is not a lock that was written here: {why}", exit=Exit.DRIFT,
                   help="put it back from a copy, or write it anew: `seqspec lock SPEC`")  # fmt: skip


def _deeper(value: object, limit: int) -> bool:
    level: list[object] = [value]
    for _ in range(limit):
        level = [
            inner
            for one in level
            if isinstance(one, dict | list)
            for inner in (one.values() if isinstance(one, dict) else one)
        ]
        if not level:
            return False
    return True


def drifts(lock: Lock, now: Lock) -> list[Drift]:
    """Everything in which two locks differ; how the spec is written does not count, what it means does."""
    order = ("digests", "seeds", "files", "vocabularies", "text", "facts", "sources", "packages", "machine")
    keys = [*order, *sorted((lock.keys() | now.keys()) - {*order, "spec", "extended"})]
    return [drift for key in keys for drift in _compare(key, lock.get(key), now.get(key))]


def compared(name: str, locked: object, found: object) -> tuple[Drift, ...]:
    """In what two values of a lock differ, each difference under ``name``."""
    return tuple(_compare(name, locked, found))


def refuse(found: list[Drift], *, lock: str, help: str | None = None) -> None:
    """Raises ``RunError`` with exit code 7 that names every drift, where there is any."""
    if found:
        listed = "".join(f"\n  {drift}" for drift in found)
        raise RunError(f"not as {lock} says:{listed}", exit=Exit.DRIFT, help=help)


def data_files(assembled: Assembled) -> dict[str, dict[str, str]]:
    """SHA-256 of every file of the splits in use, and of recordings that augmentation reads; those of several
    tasks are called ``TASK/SPLIT``.
    """
    return {
        f"{name}/{part}" if name else part: dict(files)
        for name, one in assembled.each.items()
        for part, files in (one.prepared.files | one.prepared.augment_files).items()
    }


@dataclass(frozen=True)
class Stamps:
    """Size, times and place of every file of the data as they were: what cannot change without notice."""

    by_file: Mapping[str, tuple[int, ...]]

    @classmethod
    def take(cls, assembled: Assembled) -> Stamps:
        files = {
            path
            for one in assembled.each.values()
            for split in ("train", *one.compiled.plan.experiment.evaluate.splits)
            for path in one.prepared.paths(_base(one.prepared, split))
        } | {
            path
            for one in assembled.each.values()
            for folder in one.prepared.parts.recordings.values()
            for path in folder.files
        }
        return cls({str(path): _stamp(path) for path in files})

    def changed(self) -> list[str]:
        """Files that are not the same any more."""
        return sorted(name for name, stamp in self.by_file.items() if _stamp(Path(name)) != stamp)


def _base(prepared: Prepared, split: str) -> str:
    """The split of the corpus that a split is cut out of."""
    return split if split in prepared.parts.adapter.splits() else "train"


def _stamp(path: Path) -> tuple[int, ...]:
    try:
        s = path.stat()
    except OSError:
        return ()
    return s.st_size, s.st_mtime_ns, s.st_ctime_ns, s.st_ino


def _sources(plan: Plan) -> dict[str, str]:
    """SHA-256 of the code: each component of the plan, and everything that all runs go through."""
    root = Path(seqspec.__file__).parent
    files = {path for folder in SHARED for path in root.glob(f"{folder}/*.py")}
    for slot, _ in {node.component for node in plan.nodes}:
        files |= set((root / "components" / slot).glob("_*.py")) | set((root / "schema" / slot).glob("_*.py"))
    for node in plan.nodes:
        slot, name = node.component
        files |= {
            path for half in ("schema", "components") if (path := root / half / slot / f"{name}.py").is_file()
        }
    found = {path.relative_to(root).as_posix(): _file_digest(path, _stamp(path)) for path in files}
    return {**found, **_plugins(plan)}


@cache
def _file_digest(path: Path, stamp: tuple[int, ...]) -> str:
    """Of a file as it was at ``stamp``: a process that makes many runs reads it once."""
    return _sha256(path.read_bytes())


def _plugins(plan: Plan) -> dict[str, str]:
    roots = Catalogue(tuple(plan.experiment.plugins)).roots[1:]
    return {
        f"{prefix}/{path.relative_to(root).as_posix()}": _sha256(path.read_bytes())
        for prefix, root in roots
        for path in sorted(root.rglob("*.py"))
    }


@cache
def package_versions() -> Mapping[str, str]:
    """Versions of what seqspec runs on, optional packages included where they are there.  Read once: what a
    process has loaded does not change.
    """
    asked = (requirement for requirement in requires(DISTRIBUTION) or () if not _for_developers(requirement))
    names = sorted({re.split(r"[^A-Za-z0-9._-]", requirement, maxsplit=1)[0] for requirement in asked})
    found = {"python": platform.python_version(), "implementation": sys.implementation.name}
    for name in names:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return MappingProxyType(found)


def _for_developers(requirement: str) -> bool:
    return bool(re.search(r"extra == ['\"](test|dev|docs|lsp|sweep)['\"]", requirement))


def _compare(name: str, locked: object, found: object) -> Iterator[Drift]:
    if isinstance(locked, dict) and isinstance(found, dict):
        for key in sorted(locked.keys() | found.keys()):
            yield from _compare(f"{name}.{key}", locked.get(key), found.get(key))
    elif locked != found:
        yield Drift(name, locked, found)


def _short(value: object) -> str:
    if value is None:
        return "nothing"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return (
        f"{text[:12]}…"
        if re.fullmatch(r"[0-9a-f]{64}", text)
        else text
        if len(text) < 80
        else f"{text[:77]}…"
    )


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
