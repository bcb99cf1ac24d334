"""Run: prepare, build, train, evaluate, and leave a directory that says everything."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

from seqspec.compile.check import written_out
from seqspec.compile.explain.plan_text import plan_text
from seqspec.compile.plan.plan import Compiled, Plan
from seqspec.data.progress import bar, silent
from seqspec.data.stages.first_look import first_look
from seqspec.data.stages.learned import Learned
from seqspec.data.store.durable import write_durably
from seqspec.runtime.assembly.assemble import assemble, learned_of, save_learned
from seqspec.runtime.assembly.assembled import Assembled, Record
from seqspec.runtime.checkpoints.checkpoint import Checkpoint, folder_name, sweep
from seqspec.runtime.checkpoints.retention import Keep, newest_sound, prune, steps_of
from seqspec.runtime.checkpoints.selection import readable
from seqspec.runtime.checkpoints.training_state import TrainingState
from seqspec.runtime.devices.launch import Launch, Place
from seqspec.runtime.devices.machine import (
    KEEP_BYTES,
    KEEP_OF_SHARDS,
    bfloat16_gain,
    pin,
    this_machine,
)
from seqspec.runtime.devices.processes import agree, together
from seqspec.runtime.evaluation.evaluator import Scored
from seqspec.runtime.evaluation.run_evaluation import Baselines, conclude, evaluation
from seqspec.runtime.reproducibility.lock import (
    Lock,
    Stamps,
    drifts,
    make_lock,
    read_lock,
    refuse,
    write_lock,
)
from seqspec.runtime.run_folder.compiled_run import compile_run
from seqspec.runtime.run_folder.continuation import AS_IT_WAS, Continuation, require_going
from seqspec.runtime.run_folder.folder import (
    STARTING,
    RunFolder,
    open_folder,
    publish,
    require_place,
    starting_folder,
    sweep_starting,
)
from seqspec.runtime.run_folder.model_folders import save_folders
from seqspec.runtime.run_folder.run_lock import owned
from seqspec.runtime.run_folder.soundness import require_journal, require_sound, sweep_temporary
from seqspec.runtime.training.compiled_loss import CompiledLoss
from seqspec.runtime.training.step_boundary import storage
from seqspec.runtime.training.strategies.shardable import require_shardable, shard
from seqspec.runtime.training.streams import training_stream, unit_of
from seqspec.runtime.training.trainer import train
from seqspec.runtime.training.training_module import NotFinite, Training
from seqspec.schema.diagnostic import Exit, RunError


@dataclass(frozen=True)
class Result:
    """What a run came to."""

    folder: RunFolder
    exit: Exit
    evaluated: Mapping[str, Scored] = field(default_factory=dict)
    """The final evaluation by split."""
    checkpoint: str = ""
    """Whose weights were evaluated."""


def run(
    compiled: Compiled,
    *,
    runs: Path,
    launch: Launch,
    locked: Path | None = None,
    micro_batches: int | None = None,
    command: Sequence[str] = (),
) -> Result:
    """A new run of a plan under ``runs``.  ``locked`` names a lock that everything must agree with."""
    lock = read_lock(locked) if locked else None
    require_place(runs)
    require_shardable(compiled.plan, launch)
    if lock:
        launch = replace(launch, threads=launch.threads or int(lock["machine"]["threads"]))
    with together(launch) as place:
        assembled = _prepared(compiled, launch, place)
        micro_batches = micro_batches or _micro_batches(assembled.compiled.plan, place)
        if place.rank:
            folder = RunFolder(Path(agree(None, place)))
            return _carry_out(folder, assembled, launch, place=place, micro_batches=micro_batches)
        now = lock_of(assembled, launch, micro_batches=micro_batches)
        if lock:
            refuse(drifts(lock, now), lock=str(locked), help="`seqspec lock` accepts things as they are now")
        plan = assembled.compiled.plan
        name = plan.experiment.name
        sweep_starting(runs, name=name)
        folder = starting_folder(runs, name=name)
        with owned(folder.path):
            with storage(folder):
                _describe(folder, assembled, command)
                write_lock(folder.lock, now)
                folder = publish(folder, digest=plan.digests["all"])
            agree(str(folder.path), place)
            return _carry_out(folder, assembled, launch, place=place, micro_batches=micro_batches)


def resume(
    path: Path, *, launch: Launch, allow_drift: bool = False, change: Continuation = AS_IT_WAS
) -> Result:
    """Go on where the newest sound checkpoint of a run stands, in the surroundings that its lock names.

    ``change`` is what is asked beyond that.  The caller owns the directory.
    """
    folder = open_folder(path)
    require_sound(folder)
    lock = read_lock(folder.lock)
    if folder.path.name.startswith(STARTING) and not Place.here(launch).rank:
        folder = publish(folder, digest=lock["digests"]["all"])
    launch = replace(
        launch,
        threads=launch.threads or int(lock["machine"]["threads"]),
        precision=launch.precision or lock["precision"],
        compile=launch.compile or lock["compiled"],
    )
    micro_batches = int(lock["slices"])
    with together(launch) as place:
        compiled = _continued(folder, lock, change, first=not place.rank)
        require_shardable(compiled.plan, launch)
        begun = bool(steps_of(folder.checkpoints))
        known = tuple(lock.get("initialize", ())) if begun else None
        assembled = _prepared(
            compiled,
            launch,
            place,
            known=known,
            folders=lock.get("pretrained", {}),
            learned=learned_of(folder, compiled.plan),
        )
        lock = {**lock, "digests": dict(compiled.plan.digests)} if change else lock
        if assembled.compiled.plan.experiment.train.exact and not allow_drift:
            found = drifts(lock, lock_of(assembled, launch, micro_batches=micro_batches))
            help = "--allow-drift goes on all the same; the bits may then differ"
            refuse(found, lock=str(folder.lock), help=help)
        if change and not place.rank:
            _restate(folder, lock, compiled)
        return _carry_out(
            folder, assembled, launch, place=place, micro_batches=micro_batches, allow_drift=allow_drift
        )


def _continued(folder: RunFolder, lock: Lock, change: Continuation, *, first: bool) -> Compiled:
    """The plan to go on with: that of the run, or what ``change`` makes of it."""
    if first:
        _finish_restating(folder, lock)
    if not change:
        return compile_run(folder)
    saved = newest_sound(folder.checkpoints, lambda text: None)
    if saved and change.until is not None:
        with readable(saved.step):
            training_state = TrainingState.from_json(saved.state["standing"])
        if training_state.stopped:
            require_going(folder.path, step=saved.step)
    done = saved.step if saved else 0
    return change.apply(lambda over: compile_run(folder, overlays=over), run=folder.path, done=done)


def _restate(folder: RunFolder, lock: Lock, compiled: Compiled) -> None:
    """Write the plan that the run goes on with into its directory, the lock first."""
    spec: Any = compiled.tree.data()
    before, until = lock["spec"]["train"]["max_steps"], spec["train"]["max_steps"]
    extended = [*lock.get("extended", []), {"from": before, "until": until}]
    lock = {**lock, "spec": spec}
    with storage(folder):
        write_lock(folder.lock, lock if before == until else {**lock, "extended": extended})
        _write_spec(folder, compiled)
        if before != until:
            (folder.path / "result.json").unlink(missing_ok=True)


def _finish_restating(folder: RunFolder, lock: Lock) -> None:
    """A kill between the lock and the spec left the spec of before."""
    if not lock.get("extended"):
        return
    compiled = compile_run(folder)
    if compiled.plan.experiment.train.max_steps == lock["extended"][-1]["from"]:
        with storage(folder):
            write_durably(folder.spec, _spec_text(lock["spec"]))
            write_durably(folder.plan, plan_text(compile_run(folder).plan).encode())
            (folder.path / "result.json").unlink(missing_ok=True)


def _write_spec(folder: RunFolder, compiled: Compiled) -> None:
    write_durably(folder.spec, _spec_text(written_out(compiled.plan, compiled.tree)))
    write_durably(folder.plan, plan_text(compiled.plan).encode())


def _spec_text(spec: object) -> bytes:
    return yaml.safe_dump(spec, sort_keys=False, allow_unicode=True, width=120).encode()


def _tidy(folder: RunFolder) -> None:
    """Take away what killed writers have left, and make again what may be missing."""
    sweep(folder.checkpoints)
    sweep_temporary(folder)
    for path in (folder.checkpoints, folder.predictions):
        path.mkdir(exist_ok=True)


def _prepared(
    compiled: Compiled,
    launch: Launch,
    place: Place,
    *,
    known: tuple[Record, ...] | None = None,
    folders: Mapping[str, Record] | None = None,
    learned: Mapping[str, Learned] | None = None,
) -> Assembled:
    """``known`` and ``folders`` are what the first weights were taken from, where a checkpoint holds what
    became of them.
    """
    experiment = compiled.plan.experiment
    keep = KEEP_OF_SHARDS if launch.shards(place) else KEEP_BYTES
    pin(threads=launch.threads, exact=experiment.train.exact, keep=keep)
    progress = silent if place.rank else bar
    if known is None:
        return assemble(compiled, progress=progress, initial=True, taught=True, learned=learned)
    again = assemble(compiled, progress=progress, taught=True, learned=learned)
    return replace(again, initialized=known, pretrained=again.pretrained or folders or {})


def locked_now(compiled: Compiled, *, launch: Launch) -> Lock:
    """The lock of a plan as a run on this machine would have it."""
    place = Place.here(launch)
    assembled = _prepared(compiled, launch, place)
    return lock_of(assembled, launch, micro_batches=_micro_batches(compiled.plan, place))


def lock_of(assembled: Assembled, launch: Launch, *, micro_batches: int) -> Lock:
    """The lock of a run carried out like this."""
    precision = launch.precision or assembled.compiled.plan.experiment.train.precision
    machine = this_machine(launch.accelerator)
    return make_lock(
        assembled, machine=machine, precision=precision, micro_batches=micro_batches, compiled=launch.compile
    )


def _carry_out(
    folder: RunFolder,
    assembled: Assembled,
    launch: Launch,
    *,
    place: Place,
    micro_batches: int,
    allow_drift: bool = False,
) -> Result:
    experiment = assembled.compiled.plan.experiment
    stamps = Stamps.take(assembled)
    if not place.rank:
        _tidy(folder)
        _advise(launch, launch.precision or experiment.train.precision)
        for task, one in assembled.each.items():
            for sentence in first_look(one.prepared):
                _say(f"warning: {f'task `{task}`: ' if task else ''}{sentence}")
    saved = newest_sound(folder.checkpoints, _say)
    wrap = CompiledLoss if launch.compile else None
    sharded = shard(assembled.program.model, place, launch) if launch.shards(place) else None
    module = Training(assembled.program, micro_batches=micro_batches, wrap=wrap, place=place, sharded=sharded)
    training_state = TrainingState()
    if saved:
        training_state = _restored(module, saved, folder, place)
        if not place.rank and not allow_drift:
            require_journal(folder, length=training_state.journal, step=saved.step)
        _say(f"going on from step {saved.step:,}")
    apart = module.apart is not None
    updates = experiment.train.max_steps * len(module.cycle.turns) * (place.world if apart else 1)
    stream = training_stream(
        assembled, max_steps=updates, micro_batches=micro_batches, launch=launch, place=place, apart=apart,
        scores=training_state.task_scores,
    )  # fmt: skip
    known: Baselines = {}
    try:
        interrupted = train(
            module, stream=stream, unit=unit_of(assembled), folder=folder, training_state=training_state,
            evaluate_at=lambda step: evaluation(assembled, module, launch, place, known=known),
            launch=launch, place=place,
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
    if sharded:
        assembled = _whole_again(folder, assembled)
    evaluated, checkpoint = conclude(folder, assembled, module, launch, scores=training_state.task_scores)
    changed = stamps.changed()
    if changed:
        raise RunError(
            f"the corpus was changed while the run read it: {', '.join(changed[:5])}; "
            f"{folder.path} is not to be trusted",
            exit=Exit.DRIFT,
            help="run again with files that stay as they are",
        )
    return Result(folder, Exit.CLEAN, evaluated, checkpoint)


def _whole_again(folder: RunFolder, assembled: Assembled) -> Assembled:
    """With a model that this process holds alone, for the weights of a checkpoint."""
    learned = learned_of(folder, assembled.compiled.plan)
    again = assemble(assembled.compiled, progress=silent, learned=learned)
    return replace(again, initialized=assembled.initialized, teachers=assembled.teachers)


def _restored(module: Training, saved: Checkpoint, folder: RunFolder, place: Place) -> TrainingState:
    """Put a checkpoint into the module; gives how the run stood."""
    plan = module.program.plan
    experiment = plan.experiment
    last = experiment.train.max_steps
    if saved.step > last:
        raise RunError(
            f"checkpoint {folder_name(saved.step)} lies beyond the run, which ends at step {last:,}",
            exit=Exit.STORAGE,
            help=f"take its folder out of {folder.checkpoints}: it is of another run",
        )
    with readable(saved.step):
        module.restore(saved.tensors, saved.state, first=place.rank == 0)
        training_state = TrainingState.from_json(saved.state["standing"]).for_plan(
            last, experiment.evaluate, {name: one.experiment.evaluate for name, one in plan.each.items()}
        )
    if not place.rank:
        keep = Keep.of(experiment.train)
        prune(
            folder.checkpoints,
            keep=keep,
            scores=training_state.scores,
            planned=training_state.planned,
            newest=saved.step,
        )
    return training_state


def _describe(folder: RunFolder, assembled: Assembled, command: Sequence[str]) -> None:
    """Everything about the run that is known before its first step."""
    _write_spec(folder, assembled.compiled)
    save_learned(folder, assembled)
    for one in assembled.compiled.plan.each.values():
        save_folders(folder, one)
    folder.note(
        "launch.json",
        {"command": list(command), "started": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())},
    )


def _micro_batches(plan: Plan, place: Place) -> int:
    """Micro-steps of an update: those of the plan where the processes can share them, else each split.  Where
    replicas train apart, processes share these and no update.
    """
    accumulate, apart = plan.experiment.train.accumulate, plan.experiment.procedure.apart()  # type: ignore[attr-defined]
    if apart:
        if apart.replicas % place.world:
            raise RunError(
                f"{apart.replicas} replicas cannot be shared by {place.world} processes",
                exit=Exit.USAGE,
                help=f"use a number of devices that divides {apart.replicas}",
            )
        return accumulate
    return accumulate if accumulate % place.world == 0 else accumulate * place.world


def _not_finite(error: NotFinite, folder: RunFolder, assembled: Assembled) -> RunError:
    split = assembled.each[error.task].prepared.splits["train"]
    rows: list[dict[str, Any]] = [
        {"micro_step": micro, "examples": [split.id(index) for index in rows]} for micro, rows in error.rows
    ]
    phase = {"phase": error.phase} if error.phase else {}
    phase |= {"task": error.task} if error.task else {}
    folder.note("not_finite.json", {"step": error.step, **phase, "batches": rows})
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
