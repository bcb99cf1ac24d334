"""Training from the newest checkpoint to the end of the plan, and the final evaluation."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial

import torch

from seqspec.data.batching.batch import Batch
from seqspec.data.progress import silent
from seqspec.data.stages.first_look import first_look
from seqspec.runtime.assembly.assemble import assemble, learned_of
from seqspec.runtime.assembly.assembled import Assembled
from seqspec.runtime.checkpoints.checkpoint import Checkpoint, folder_name, sweep
from seqspec.runtime.checkpoints.retention import Retention, newest_sound, prune
from seqspec.runtime.checkpoints.selection import readable
from seqspec.runtime.checkpoints.training_state import TrainingState
from seqspec.runtime.devices.launch import Launch, Place
from seqspec.runtime.devices.machine import gain_of
from seqspec.runtime.evaluation.evaluator import Scored
from seqspec.runtime.evaluation.run_evaluation import Baselines, conclude, evaluation
from seqspec.runtime.report.report import write_report
from seqspec.runtime.reproducibility.lock import Stamps
from seqspec.runtime.run_folder.folder import RunFolder
from seqspec.runtime.run_folder.soundness import require_journal, sweep_temporary
from seqspec.runtime.run_stages.non_finite_message import not_finite_error
from seqspec.runtime.training.losses.compiled_loss import CompiledLoss
from seqspec.runtime.training.peers.shared_work import Behind, SharedWork
from seqspec.runtime.training.stop_reasons import NotFinite
from seqspec.runtime.training.strategies.shardable import shard
from seqspec.runtime.training.streams import training_stream, unit_of
from seqspec.runtime.training.trainer import train
from seqspec.runtime.training.training_module import Training
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


def carry_out(
    folder: RunFolder,
    assembled: Assembled,
    launch: Launch,
    *,
    place: Place,
    micro_batches: int,
    allow_drift: bool = False,
    peers: SharedWork | None = None,
) -> Result:
    """``peers``: what this process does of steps that it shares with others."""
    while True:
        try:
            return _carried_out(
                folder, assembled, launch, place=place, micro_batches=micro_batches, allow_drift=allow_drift,
                peers=peers,
            )  # fmt: skip
        except Behind as behind:
            assert peers
            _say(f"at step {behind.step:,} the others are far ahead: on from their checkpoint")
            peers.place.require_checkpoint(folder, beyond=behind.step)


def _carried_out(
    folder: RunFolder,
    assembled: Assembled,
    launch: Launch,
    *,
    place: Place,
    micro_batches: int,
    allow_drift: bool,
    peers: SharedWork | None,
) -> Result:
    """Raises ``Behind`` where only a checkpoint of the other peers leads on."""
    experiment = assembled.compiled.plan.experiment
    stamps = Stamps.take(assembled)
    say = _keep_silent if place.rank else _say
    if not place.rank:
        _tidy(folder)
        _warn(assembled, launch)
    saved = newest_sound(folder.checkpoints, say)
    wrap = CompiledLoss if launch.compile else None
    sharded = shard(assembled.program.module, place, launch) if launch.shards(place) else None
    module = Training(
        assembled.program, micro_batches=micro_batches, wrap=wrap, place=place, sharded=sharded,
        precision=launch.precision,
    )  # fmt: skip
    training_state = TrainingState()
    if saved:
        training_state = _restored(module, saved, folder, place)
        if not place.rank and not allow_drift:
            require_journal(folder, length=training_state.journal, step=saved.step)
        say(f"going on from step {saved.step:,}")
    apart = module.apart is not None
    updates = experiment.train.max_steps * len(module.cycle.turns) * (place.world if apart else 1)
    stream_at = partial(
        training_stream, assembled, max_steps=updates, micro_batches=micro_batches, launch=launch,
        apart=apart, scores=training_state.task_scores,
    )  # fmt: skip

    def replica_stream(number: int, start: int, end: int) -> Iterable[Batch]:
        assert module.apart
        count = module.apart.replicas
        return stream_at(place=Place(number, count))(start * count, end * count)

    known: Baselines = {}
    try:
        interrupted = train(
            module, stream=stream_at(place=launch.of_batches(place)), unit=unit_of(assembled), folder=folder,
            training_state=training_state,
            evaluate_at=lambda step: evaluation(assembled, module, launch, place, known=known),
            launch=launch, place=place, peers=peers, replica_stream=replica_stream if apart else None,
        )  # fmt: skip
    except NotFinite as error:
        raise not_finite_error(error, folder, assembled) from None
    if peers and (told := peers.told()):
        say(told)
    if interrupted is not None:
        say(
            f"stopped at step {module.step:,} with a checkpoint; `seqspec run --resume {folder.path}` goes on"
        )
        if not place.rank:
            _report_so_far(folder)
        return Result(folder, interrupted)
    if place.rank:
        return Result(folder, Exit.CLEAN)
    if sharded:
        assembled = _whole_again(folder, assembled)
    evaluated, checkpoint = conclude(folder, assembled, module, launch, scores=training_state.task_scores)
    _require_unchanged(stamps, folder)
    return Result(folder, Exit.CLEAN, evaluated, checkpoint)


def _report_so_far(folder: RunFolder) -> None:
    """What was evaluated until here; the checkpoint is safe whether or not this can be written."""
    try:
        write_report(folder, state="stopped")
    except (OSError, RunError) as error:
        _say(f"no report of it: {error}")
    else:
        _say(f"report {folder.report}")


def _require_unchanged(stamps: Stamps, folder: RunFolder) -> None:
    """The files that the run read are still those that its lock names."""
    changed = stamps.changed()
    if changed:
        raise RunError(
            f"the corpus was changed while the run read it: {', '.join(changed[:5])}; "
            f"{folder.path} is not to be trusted",
            exit=Exit.DRIFT,
            help="run again with files that stay as they are",
        )


def _tidy(folder: RunFolder) -> None:
    """Take away what killed writers have left, and make again what may be missing."""
    sweep(folder.checkpoints)
    sweep_temporary(folder)
    for path in (folder.checkpoints, folder.predictions):
        path.mkdir(exist_ok=True)


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
        retention = Retention.of(experiment.train)
        prune(
            folder.checkpoints,
            retention=retention,
            scores=training_state.scores,
            planned=training_state.planned,
            newest=saved.step,
        )
    return training_state


def _whole_again(folder: RunFolder, assembled: Assembled) -> Assembled:
    """With a model that this process holds alone, for the weights of a checkpoint."""
    learned = learned_of(folder, assembled.compiled.plan)
    again = assemble(assembled.compiled, progress=silent, learned=learned)
    return replace(again, initialized=assembled.initialized, teachers=assembled.teachers)


def _warn(assembled: Assembled, launch: Launch) -> None:
    """What a person should know before the first step."""
    advise(launch, launch.precision or assembled.compiled.plan.experiment.train.precision)
    for task, one in assembled.each.items():
        for sentence in first_look(one.prepared):
            _say(f"warning: {f'task `{task}`: ' if task else ''}{sentence}")


def advise(launch: Launch, precision: str) -> None:
    """Mixed precision is asked for because it is fast; on many processors it is not."""
    if precision == "float32" or launch.accelerator != "cpu":
        return
    if (gain := gain_of(getattr(torch, precision))) < 1:
        _say(f"{precision} is slower than float32 here: matrix products run at {gain:.2g} times the speed")


def _keep_silent(text: str) -> None:
    """Of several processes only the first speaks."""


def _say(text: str) -> None:
    print(text, file=sys.stderr)
