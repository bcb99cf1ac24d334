"""Run: prepare, build, train, judge, and leave a directory that says everything."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

from seqspec.compile.explain.plan_text import plan_text
from seqspec.compile.plan.plan import Compiled
from seqspec.data.progress import bar, silent
from seqspec.data.store.durable import write_durably
from seqspec.runtime.assembly.assemble import assemble, compile_run, save_learned
from seqspec.runtime.assembly.assembled import Assembled
from seqspec.runtime.checkpoints.checkpoint import folder_name, sweep
from seqspec.runtime.checkpoints.retention import newest_sound, steps_of
from seqspec.runtime.checkpoints.training_state import Standing
from seqspec.runtime.devices.launch import Launch, Place
from seqspec.runtime.devices.machine import bfloat16_gain, pin, this_machine
from seqspec.runtime.devices.processes import agree, together
from seqspec.runtime.evaluation.evaluator import Scored
from seqspec.runtime.evaluation.run_evaluation import conclude, judgement
from seqspec.runtime.reproducibility.lock import (
    Lock,
    Stamps,
    drifts,
    make_lock,
    read_lock,
    refuse,
    write_lock,
)
from seqspec.runtime.run_folder.folder import RunFolder, new_folder, open_folder
from seqspec.runtime.run_folder.run_lock import owned
from seqspec.runtime.training.compiled_loss import CompiledLoss
from seqspec.runtime.training.step_boundary import storage
from seqspec.runtime.training.streams import training_stream, unit_of
from seqspec.runtime.training.trainer import train
from seqspec.runtime.training.training_module import NotFinite, Training
from seqspec.schema.diagnostic import Exit, RunError


@dataclass(frozen=True)
class Result:
    """What a run came to."""

    folder: RunFolder
    exit: Exit
    judged: Mapping[str, Scored] = field(default_factory=dict)
    """The final judgement by split."""
    checkpoint: str = ""
    """Whose weights were judged."""


def run(
    compiled: Compiled,
    *,
    runs: Path,
    launch: Launch,
    locked: Path | None = None,
    slices: int | None = None,
    command: Sequence[str] = (),
) -> Result:
    """A new run of a plan under ``runs``.  ``locked`` names a lock that everything must agree with."""
    lock = read_lock(locked) if locked else None
    if lock:
        launch = replace(launch, threads=launch.threads or int(lock["machine"]["threads"]))
    with together(launch) as place:
        assembled = _prepared(compiled, launch, place)
        slices = slices or _slices(assembled.compiled.plan.experiment.train.accumulate, place)
        if place.rank:
            folder = RunFolder(Path(agree(None, place)))
            return _carry_out(folder, assembled, launch, place=place, slices=slices)
        now = lock_of(assembled, launch, slices=slices)
        if lock:
            refuse(drifts(lock, now), lock=str(locked), help="`seqspec lock` accepts things as they are now")
        plan = assembled.compiled.plan
        folder = new_folder(runs, name=plan.experiment.name, digest=plan.digests["all"])
        with owned(folder.path):
            with storage(folder):
                _describe(folder, assembled, command)
                write_lock(folder.lock, now)
            agree(str(folder.path), place)
            return _carry_out(folder, assembled, launch, place=place, slices=slices)


def resume(path: Path, *, launch: Launch, allow_drift: bool = False) -> Result:
    """Go on where the newest sound checkpoint of a run stands, in the surroundings that its lock names.

    The caller owns the directory.
    """
    folder = open_folder(path)
    lock = read_lock(folder.lock)
    launch = replace(
        launch,
        threads=launch.threads or int(lock["machine"]["threads"]),
        precision=launch.precision or lock["precision"],
        compile=launch.compile or lock["compiled"],
    )
    slices = int(lock["slices"])
    with together(launch) as place:
        assembled = _prepared(compile_run(folder), launch, place)
        if assembled.compiled.plan.experiment.train.exact and not allow_drift:
            found = drifts(lock, lock_of(assembled, launch, slices=slices))
            help = "--allow-drift goes on all the same; the bits may then differ"
            refuse(found, lock=str(folder.lock), help=help)
        return _carry_out(folder, assembled, launch, place=place, slices=slices)


def _prepared(compiled: Compiled, launch: Launch, place: Place) -> Assembled:
    experiment = compiled.plan.experiment
    pin(threads=launch.threads, exact=experiment.train.exact)
    splits = ("train", *experiment.evaluate.splits)
    return assemble(compiled, splits=splits, progress=silent if place.rank else bar)


def locked_now(compiled: Compiled, *, launch: Launch) -> Lock:
    """The lock of a plan as a run on this machine would have it."""
    place = Place.here(launch)
    assembled = _prepared(compiled, launch, place)
    return lock_of(assembled, launch, slices=_slices(compiled.plan.experiment.train.accumulate, place))


def lock_of(assembled: Assembled, launch: Launch, *, slices: int) -> Lock:
    """The lock of a run carried out like this."""
    precision = launch.precision or assembled.compiled.plan.experiment.train.precision
    machine = this_machine(launch.accelerator)
    return make_lock(assembled, machine=machine, precision=precision, slices=slices, compiled=launch.compile)


def _carry_out(
    folder: RunFolder, assembled: Assembled, launch: Launch, *, place: Place, slices: int
) -> Result:
    experiment = assembled.compiled.plan.experiment
    stamps = Stamps.take(assembled.prepared, ("train", *experiment.evaluate.splits))
    if not place.rank:
        sweep(folder.checkpoints)
        _advise(launch, launch.precision or experiment.train.precision)
    saved = newest_sound(folder.checkpoints, _say)
    compiled = CompiledLoss(assembled.program.model.loss) if launch.compile else None  # type: ignore[arg-type]
    module = Training(assembled.program, slices=slices, compiled=compiled)
    standing = Standing()
    if saved:
        module.restore(saved.tensors, saved.state, first=place.rank == 0)
        standing = Standing.from_json(saved.state["standing"])
        _say(f"going on from step {saved.step:,}")
    stream = training_stream(
        assembled.prepared, max_steps=experiment.train.max_steps, slices=slices, launch=launch, place=place
    )
    try:
        interrupted = train(
            module, stream=stream, unit=unit_of(assembled.prepared), folder=folder, standing=standing,
            judge=lambda step: judgement(assembled, module, launch, place), launch=launch, place=place,
        )  # fmt: skip
    except NotFinite as error:
        raise _not_finite(error, folder, assembled) from None
    if interrupted is not None:
        _say(
            f"stopped at step {module.step:,} with a checkpoint; `seqspec run --resume {folder.path}` goes on"
        )
        return Result(folder, interrupted)
    if place.rank:
        return Result(folder, Exit.CLEAN)
    judged, checkpoint = conclude(folder, assembled, module, launch)
    changed = stamps.changed()
    if changed:
        raise RunError(
            f"the corpus was changed while the run read it: {', '.join(changed[:5])}; "
            f"{folder.path} is not to be trusted",
            exit=Exit.DRIFT,
            help="run again with files that stay as they are",
        )
    return Result(folder, Exit.CLEAN, judged, checkpoint)


def _describe(folder: RunFolder, assembled: Assembled, command: Sequence[str]) -> None:
    """Everything about the run that is known before its first step."""
    plan = assembled.compiled.plan
    text = yaml.safe_dump(assembled.compiled.tree.data(), sort_keys=False, allow_unicode=True, width=120)
    write_durably(folder.spec, text.encode())
    write_durably(folder.plan, plan_text(plan).encode())
    save_learned(folder, assembled.prepared)
    folder.note(
        "launch.json",
        {"command": list(command), "started": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())},
    )


def _slices(accumulate: int, place: Place) -> int:
    """Micro-steps of a step: those of the plan where the processes can share them, else each split."""
    return accumulate if accumulate % place.world == 0 else accumulate * place.world


def _not_finite(error: NotFinite, folder: RunFolder, assembled: Assembled) -> RunError:
    split = assembled.prepared.splits["train"]
    rows: list[dict[str, Any]] = [
        {"micro_step": micro, "examples": [split.id(index) for index in rows]} for micro, rows in error.rows
    ]
    folder.note("not_finite.json", {"step": error.step, "batches": rows})
    shown = ", ".join(split.id(index) for index in error.rows[-1][1][:8])
    steps = steps_of(folder.checkpoints)
    last = f"the last good checkpoint is {folder_name(steps[-1])}" if steps else "there is no checkpoint yet"
    return RunError(
        f"{error}; the batch holds {shown}{', …' if len(error.rows[-1][1]) > 8 else ''}; {last}",
        exit=Exit.NON_FINITE,
        help=f"every id is in {folder.path / 'not_finite.json'}; "
        f"`seqspec run --resume {folder.path}` replays the step; "
        "lower the learning rate, clip the gradient, or set `train.skip_non_finite`",
    )


def _advise(launch: Launch, precision: str) -> None:
    """Mixed precision is asked for because it is fast; on many processors it is not."""
    if launch.accelerator == "cpu" and precision == "bfloat16" and (gain := bfloat16_gain()) < 1:
        _say(f"bfloat16 is slower than float32 here: matrix products run at {gain:.1f} times the speed")


def _say(text: str) -> None:
    print(text, file=sys.stderr)
