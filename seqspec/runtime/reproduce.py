"""Reproduce: run again from a lock alone, and compare to the bit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from pathlib import Path

import yaml

from seqspec.compile.analysis.front_end import understand_text
from seqspec.compile.check import written_out
from seqspec.compile.infer.infer import infer
from seqspec.compile.plan.plan import Compiled
from seqspec.compile.resolve.overlay import Overlay
from seqspec.runtime.checkpoints.checkpoint import Checkpoint
from seqspec.runtime.checkpoints.selection import chosen
from seqspec.runtime.checkpoints.tensor_file import tensor_digest
from seqspec.runtime.devices.launch import Launch
from seqspec.runtime.reproducibility.lock import Lock, drifts, read_lock
from seqspec.runtime.run import run
from seqspec.runtime.run_folder.continuation import Continuation
from seqspec.runtime.run_folder.documents import read_bytes
from seqspec.runtime.run_folder.folder import RunFolder, open_folder
from seqspec.schema.diagnostic import Exit, RunError, SpecError
from seqspec.schema.source import Source


@dataclass(frozen=True)
class Reproduction:
    """What came of it."""

    folder: RunFolder
    differences: tuple[str, ...]
    """What differs, first things first: the surroundings, the journal, the weights.  Empty where every bit is
    the same.
    """


def reproduce(
    path: Path, *, runs: Path, launch: Launch, command: tuple[str, ...], over: Sequence[Overlay] = ()
) -> Reproduction:
    """Run the experiment of a run directory (or of a bare ``lock.json``) again; compare where there is
    something to.  ``over`` may say where things lie, and change no result.
    """
    bare = path.is_file()
    lock = read_lock(path if bare else open_folder(path).lock)
    launch = replace(launch, threads=int(lock["machine"]["threads"]), precision=lock["precision"])
    launch = replace(launch, compile=lock["compiled"])
    compiled = Continuation(tuple(over)).apply(lambda over: from_lock(lock, over), run=path, done=0)
    result = run(compiled, runs=runs, launch=launch, micro_batches=int(lock["slices"]), command=command)
    if result.exit is not Exit.CLEAN:
        raise RunError(f"the new run {result.folder.path} did not come to its end", exit=result.exit)
    found = [str(drift) for drift in drifts(lock, read_lock(result.folder.lock))]
    if not bare:
        found += compare(open_folder(path), result.folder)
    return Reproduction(result.folder, tuple(found))


def from_lock(lock: Lock, over: Sequence[Overlay] = ()) -> Compiled:
    """The plan that a lock holds.

    A lock of an earlier version does not say what the rules were lenient about when it was made: then it is
    written down now.
    """
    compiled = _compiled(lock["spec"], over)
    spec = written_out(compiled.plan, compiled.tree)
    return compiled if spec == lock["spec"] else _compiled(spec, ())


def _compiled(spec: object, over: Sequence[Overlay]) -> Compiled:
    text = yaml.safe_dump(spec, sort_keys=False, allow_unicode=True)
    tree, experiment = understand_text(Source("the spec of the lock", text), "yaml", over, as_written=True)
    plan, mistakes = infer(experiment, tree, facts={})
    if any(d.severity == "error" for d in mistakes):
        raise SpecError(mistakes)
    return Compiled(plan, tree)


def compare(old: RunFolder, new: RunFolder) -> list[str]:
    """The first line of the journal and the first tensor that differ."""
    found = []
    lines = zip_longest(read_bytes(old.metrics).splitlines(), read_bytes(new.metrics).splitlines())
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
