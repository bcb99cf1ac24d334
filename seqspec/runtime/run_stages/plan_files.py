"""The plan of a run in its directory: written when it starts, and again when it goes on with another."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import yaml

from seqspec.compile.check import written_out
from seqspec.compile.explain.plan_text import plan_text
from seqspec.compile.plan.plan import Compiled
from seqspec.data.store.durable import write_durably
from seqspec.runtime.assembly.assemble import save_learned
from seqspec.runtime.assembly.assembled import Assembled
from seqspec.runtime.reproducibility.lock import Lock, write_lock
from seqspec.runtime.run_folder.compiled_run import compile_run
from seqspec.runtime.run_folder.folder import RunFolder
from seqspec.runtime.run_folder.model_folders import save_folders
from seqspec.runtime.training.step_boundary import storage


def describe(folder: RunFolder, assembled: Assembled, command: Sequence[str]) -> None:
    """Everything about the run that is known before its first step."""
    _write_plan(folder, assembled.compiled)
    save_learned(folder, assembled)
    for one in assembled.compiled.plan.each.values():
        save_folders(folder, one)
    folder.note(
        "launch.json",
        {"command": list(command), "started": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())},
    )


def restate(folder: RunFolder, lock: Lock, compiled: Compiled) -> None:
    """Write the plan that the run goes on with into its directory, the lock first."""
    spec: Any = compiled.tree.data()
    before, until = lock["spec"]["train"]["max_steps"], spec["train"]["max_steps"]
    extended = [*lock.get("extended", []), {"from": before, "until": until}]
    lock = {**lock, "spec": spec}
    with storage(folder):
        write_lock(folder.lock, lock if before == until else {**lock, "extended": extended})
        _write_plan(folder, compiled)
        if before != until:
            (folder.path / "result.json").unlink(missing_ok=True)


def finish_restating(folder: RunFolder, lock: Lock) -> None:
    """A kill between the lock and the spec left the spec of before."""
    if not lock.get("extended"):
        return
    compiled = compile_run(folder)
    if compiled.plan.experiment.train.max_steps == lock["extended"][-1]["from"]:
        with storage(folder):
            write_durably(folder.spec, _spec_text(lock["spec"]))
            write_durably(folder.plan, plan_text(compile_run(folder).plan).encode())
            (folder.path / "result.json").unlink(missing_ok=True)


def _write_plan(folder: RunFolder, compiled: Compiled) -> None:
    write_durably(folder.spec, _spec_text(written_out(compiled.plan, compiled.tree)))
    write_durably(folder.plan, plan_text(compiled.plan).encode())


def _spec_text(spec: object) -> bytes:
    return yaml.safe_dump(spec, sort_keys=False, allow_unicode=True, width=120).encode()
