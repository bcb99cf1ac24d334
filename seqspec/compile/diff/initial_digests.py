"""Digests of the weights that an experiment begins with and of its teachers', read without torch: from the
lock of a run directory, else from the manifests of the run that they come from.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from seqspec.compile.diff.consequences import Consequence
from seqspec.compile.plan.plan import Plan
from seqspec.schema.diagnostic import SpecError
from seqspec.schema.environment import expand
from seqspec.schema.sections.initialize import Initialize

MAX_BYTES = 64 << 20


class Initial(NamedTuple):
    """What one entry of ``initialize``, or a teacher, comes to."""

    pairs: Mapping[str, str]
    checkpoint: str
    """The checkpoint that its name stands for; empty where it cannot be told."""
    weights: str
    """SHA-256 of the weights; empty where it cannot be told."""


def initial_digests(plan: Plan, file: Path) -> tuple[Initial, ...]:
    """Entry by entry; ``file`` is the spec, and in a run directory the lock beside it is what holds."""
    wanted = plan.experiment.initialize
    if not wanted:
        return ()
    lock = _json(file.with_name("lock.json")) if file.name == "spec.yaml" else None
    known = lock.get("initialize") if isinstance(lock, dict) else None
    if isinstance(known, list) and len(known) == len(wanted):
        return tuple(_recorded(item.pairs, record) for item, record in zip(wanted, known, strict=True))
    return tuple(_found(item) for item in wanted)


def teacher_digests(plan: Plan, file: Path) -> dict[str, Initial]:
    """The same of the teachers that are runs, by name."""
    wanted = {name: one for name, one in (plan.experiment.teachers or {}).items() if one.run is not None}
    lock = _json(file.with_name("lock.json")) if wanted and file.name == "spec.yaml" else None
    known = lock.get("teachers") if isinstance(lock, dict) else None
    if isinstance(known, dict) and known.keys() == wanted.keys():
        return {name: _recorded({}, known[name]) for name in wanted}
    return {name: _checkpoint({}, one.run or "", one.checkpoint) for name, one in wanted.items()}


def initial_text(plan: Plan, file: Path) -> str:
    """A paragraph below the plan; nothing where no weights come from elsewhere."""
    lines = [
        f"  [{index}]  {', '.join(_pair(*pair) for pair in one.pairs.items())}  {_shown(one)}"
        for index, one in enumerate(initial_digests(plan, file))
    ]
    teachers = [f"  {name}  {_shown(one)}" for name, one in teacher_digests(plan, file).items()]
    paragraphs = (("initial weights", lines), ("teachers", teachers))
    return "".join("\n".join(["", title, *told, ""]) for title, told in paragraphs if told)


def initial_consequences(a: tuple[Plan, Path], b: tuple[Plan, Path]) -> Iterator[Consequence]:
    """Where both sides begin with weights from elsewhere and these are not the same."""
    pairs = {
        f"initialize[{index}]": pair
        for index, pair in enumerate(zip(initial_digests(*a), initial_digests(*b), strict=False))
    }
    ours, theirs = teacher_digests(*a), teacher_digests(*b)
    pairs |= {f"teachers.{name}": (ours[name], theirs[name]) for name in ours if name in theirs}
    for name, (old, new) in pairs.items():
        if old.weights != new.weights:
            shown = (old.weights[:12] or "not here", new.weights[:12] or "not here")
            yield Consequence(f"{name} weights", *shown, decides=bool(old.weights and new.weights))


def _pair(here: str, there: str) -> str:
    return here if here == there else f"{here} from {there}"


def _shown(one: Initial) -> str:
    return f"{one.checkpoint}  sha256 {one.weights[:12]}" if one.weights else "not here"


def _recorded(pairs: Mapping[str, str], record: Any) -> Initial:
    values = [record.get(key) if isinstance(record, dict) else "" for key in ("checkpoint", "weights")]
    return Initial(pairs, *(value if isinstance(value, str) else "" for value in values))


def _found(item: Initialize) -> Initial:
    return _checkpoint(item.pairs, item.run, item.checkpoint)


def _checkpoint(pairs: Mapping[str, str], run: str, wanted: str) -> Initial:
    try:
        place = Path(os.path.expanduser(expand(run))) / "checkpoints"
    except SpecError:  # a variable that is not set here
        return Initial(pairs, "", "")
    step = _step(place, wanted)
    if step is None:
        return Initial(pairs, "", "")
    name = f"step-{step:08d}"
    return Initial(pairs, name, _digest(_manifest(place / name)))


def _step(place: Path, name: str) -> int | None:
    """The step that ``name`` stands for, as the runtime chooses it; a mean of several has none."""
    present = sorted(step for step in map(_number, _names(place)) if step is not None)
    if not present or name.startswith("average"):
        return None
    if name not in ("best", "last"):
        return next((step for step in present if f"step-{step:08d}" == name), None)
    state = _json(place / f"step-{present[-1]:08d}" / "state.json")
    training_state = state.get("standing") if isinstance(state, dict) else None
    if name == "last" or not isinstance(training_state, dict):
        return present[-1]
    return _best(present, training_state)


def _best(present: list[int], training_state: Mapping[str, Any]) -> int:
    every = training_state.get("checkpoint_every_steps") or 1
    ends = {
        training_state.get("max_steps"),
        training_state.get("judged_at") if training_state.get("stopped") else None,
    }
    planned = [step for step in present if not step % every or step in ends] or present
    scores = {int(step): score for step, score in (training_state.get("scores") or {}).items()}
    return min(
        (step for step in planned if step in scores), key=lambda s: (-scores[s], s), default=present[-1]
    )


def _digest(manifest: Any) -> str:
    """What the runtime's ``digest_all`` gives for the weights, averages in place of their own."""
    files = manifest.get("files") if isinstance(manifest, dict) else None
    if not isinstance(files, dict) or "weights" not in files:
        return ""
    average: dict[str, str] = files.get("average", {}).get("tensors", {})
    digests: dict[str, str] = {**files["weights"]["tensors"], **average}
    lines = "\n".join(f"{name} {digests[name]}" for name in sorted(digests))
    return hashlib.sha256(lines.encode()).hexdigest()


def _manifest(folder: Path) -> Any:
    """The manifest below its seal."""
    path = folder / "MANIFEST.json"
    return _parsed(path.read_bytes().partition(b"\n")[2]) if _small(path) else None


def _names(place: Path) -> list[str]:
    return [entry.name for entry in place.iterdir() if entry.is_dir()] if place.is_dir() else []


def _number(name: str) -> int | None:
    match = re.fullmatch(r"step-([0-9]+)", name)
    return int(match[1]) if match else None


def _json(path: Path) -> Any:
    return _parsed(path.read_bytes()) if _small(path) else None


def _small(path: Path) -> bool:
    return path.is_file() and path.stat().st_size <= MAX_BYTES


def _parsed(data: bytes) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return None
