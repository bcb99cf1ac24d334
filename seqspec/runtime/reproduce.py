"""Reproduce: run again from a lock alone, and compare to the bit."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, replace
from itertools import zip_longest
from pathlib import Path

import yaml

from seqspec.compile.analysis.analysis import plan_of
from seqspec.compile.analysis.front_end import understand
from seqspec.compile.plan.plan import Compiled
from seqspec.runtime.checkpoints.checkpoint import Checkpoint
from seqspec.runtime.checkpoints.selection import chosen
from seqspec.runtime.checkpoints.tensor_file import tensor_digest
from seqspec.runtime.devices.launch import Launch
from seqspec.runtime.reproducibility.lock import Lock, drifts, read_lock
from seqspec.runtime.run import run
from seqspec.runtime.run_folder.folder import RunFolder, open_folder
from seqspec.schema.diagnostic import Exit, RunError, SpecError


@dataclass(frozen=True)
class Reproduction:
    """What came of it."""

    folder: RunFolder
    differences: tuple[str, ...]
    """What differs, first things first: the surroundings, the journal, the weights.  Empty where every bit is
    the same.
    """


def reproduce(path: Path, *, runs: Path, launch: Launch, command: tuple[str, ...]) -> Reproduction:
    """Run the experiment of a run directory (or of a bare ``lock.json``) again; compare where there is
    something to.
    """
    bare = path.is_file()
    lock = read_lock(path if bare else open_folder(path).lock)
    launch = replace(launch, threads=int(lock["machine"]["threads"]), precision=lock["precision"])
    launch = replace(launch, compile=lock["compiled"])
    compiled = from_lock(lock)
    result = run(compiled, runs=runs, launch=launch, slices=int(lock["slices"]), command=command)
    if result.exit is not Exit.CLEAN:
        raise RunError(f"the new run {result.folder.path} did not come to its end", exit=result.exit)
    found = [str(drift) for drift in drifts(lock, read_lock(result.folder.lock))]
    if not bare:
        found += compare(open_folder(path), result.folder)
    return Reproduction(result.folder, tuple(found))


def from_lock(lock: Lock) -> Compiled:
    """The plan that a lock holds.

    The rules were applied when it was made, some of them leniently to what a profile or ``--set`` brought
    about; here they are not asked again.
    """
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "spec.yaml"
        file.write_text(yaml.safe_dump(lock["spec"], sort_keys=False, allow_unicode=True), encoding="utf-8")
        tree, experiment = understand(file)
    plan, mistakes = plan_of(experiment, tree, {})
    if any(d.severity == "error" for d in mistakes):
        raise SpecError(mistakes)
    return Compiled(plan, tree)


def compare(old: RunFolder, new: RunFolder) -> list[str]:
    """The first line of the journal and the first tensor that differ."""
    found = []
    lines = zip_longest(old.metrics.read_bytes().splitlines(), new.metrics.read_bytes().splitlines())
    for number, (was, is_) in enumerate(lines, 1):
        if was != is_:
            found.append(f"metrics.jsonl:{number}: {_text(was)} then, {_text(is_)} now")
            break
    first, second = (chosen(folder.checkpoints, "last") for folder in (old, new))
    found += _tensors(first, second)
    return found


def _tensors(old: Checkpoint, new: Checkpoint) -> list[str]:
    if old.step != new.step:
        return [f"the last checkpoint is of step {old.step} then, of {new.step} now"]
    names = [(file, name) for file in sorted(old.tensors, reverse=True) for name in old.tensors[file]]
    different = []
    for file, name in names:
        other = new.tensors.get(file, {}).get(name)
        if other is None or tensor_digest(name, old.tensors[file][name]) != tensor_digest(name, other):
            different.append(f"{file} {name}")
    return [f"{len(different)} of {len(names)} tensors, {different[0]} first"] if different else []


def _text(line: bytes | None) -> str:
    return "no line" if line is None else line.decode(errors="replace")
