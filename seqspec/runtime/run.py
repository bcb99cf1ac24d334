"""Run: prepare, build, train, evaluate, and leave a directory that says everything."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from seqspec.compile.plan.plan import Compiled
from seqspec.runtime.assembly.assemble import learned_of
from seqspec.runtime.checkpoints.retention import newest_sound, steps_of
from seqspec.runtime.checkpoints.selection import readable
from seqspec.runtime.checkpoints.training_state import TrainingState
from seqspec.runtime.devices.launch import Launch, Place
from seqspec.runtime.devices.processes import agree, together
from seqspec.runtime.reproducibility.lock import Lock, drifts, read_lock, refuse, write_lock
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
from seqspec.runtime.run_folder.run_owner import owned
from seqspec.runtime.run_folder.soundness import require_sound
from seqspec.runtime.run_stages.carry_out import Result, carry_out
from seqspec.runtime.run_stages.plan_files import describe, finish_restating, restate
from seqspec.runtime.run_stages.preparation import lock_of, micro_batches_of, prepared
from seqspec.runtime.training.peers.hindrances import require_peers
from seqspec.runtime.training.peers.shared_work import shared_work
from seqspec.runtime.training.step_boundary import storage
from seqspec.runtime.training.strategies.shardable import require_divisible, require_shardable


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
    require_peers(compiled.plan, launch)
    if lock:
        launch = replace(launch, threads=launch.threads or int(lock["machine"]["threads"]))
    with together(launch) as place:
        assembled = prepared(compiled, launch, place)
        require_divisible(assembled.program.module, launch, place)
        micro_batches = micro_batches or micro_batches_of(assembled.compiled.plan, launch.of_batches(place))
        if place.rank:
            folder = RunFolder(Path(agree(None, place)))
            return carry_out(folder, assembled, launch, place=place, micro_batches=micro_batches)
        now = lock_of(assembled, launch, micro_batches=micro_batches)
        if lock:
            refuse(drifts(lock, now), lock=str(locked), help="`seqspec lock` accepts things as they are now")
        plan = assembled.compiled.plan
        peers = shared_work(launch, now)
        name = plan.experiment.name
        sweep_starting(runs, name=name)
        folder = starting_folder(runs, name=name)
        with owned(folder.path):
            with storage(folder):
                describe(folder, assembled, command)
                write_lock(folder.lock, now)
                folder = publish(folder, digest=plan.digests["all"])
            agree(str(folder.path), place)
            if peers:
                peers.place.fetch_checkpoint(folder, beyond=0)
            return carry_out(folder, assembled, launch, place=place, micro_batches=micro_batches, peers=peers)


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
        require_peers(compiled.plan, launch)
        begun = bool(steps_of(folder.checkpoints))
        known = tuple(lock.get("initialize", ())) if begun else None
        assembled = prepared(
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
            restate(folder, lock, compiled)
        peers = shared_work(launch, lock)
        if peers:
            peers.place.fetch_checkpoint(folder, beyond=max(steps_of(folder.checkpoints), default=0))
        return carry_out(
            folder, assembled, launch, place=place, micro_batches=micro_batches, allow_drift=allow_drift,
            peers=peers,
        )  # fmt: skip


def _continued(folder: RunFolder, lock: Lock, change: Continuation, *, first: bool) -> Compiled:
    """The plan to go on with: that of the run, or what ``change`` makes of it."""
    if first:
        finish_restating(folder, lock)
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
