"""Training: one flat stream of micro-steps through ``lightning.Trainer``.

One epoch of known length, no loop state, no sampler state: the step number says where the stream goes on.
"""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from functools import partial
from typing import Any

from seqspec.data.batching.batch import Batch
from seqspec.runtime.assembly.assemble import of_corpus
from seqspec.runtime.checkpoints.training_state import TrainingState
from seqspec.runtime.devices.launch import Launch, Place
from seqspec.runtime.devices.processes import lost_process
from seqspec.runtime.run_folder.folder import RunFolder
from seqspec.runtime.run_folder.loggers import Loggers
from seqspec.runtime.training.lightning_import import Callback, LeanLoop, PassThroughProfiler, lightning
from seqspec.runtime.training.losses.compiled_loss import first_line, of_compiler
from seqspec.runtime.training.peers.hindrances import require_shared
from seqspec.runtime.training.peers.micro_batch_loop import MicroBatchLoop
from seqspec.runtime.training.peers.replica_loop import ReplicaLoop, ReplicaStream
from seqspec.runtime.training.peers.shared_work import SharedWork
from seqspec.runtime.training.progress.progress_bar import Bar, Timed
from seqspec.runtime.training.signals import Interrupts
from seqspec.runtime.training.step_boundary import Boundary, EvaluationResult
from seqspec.runtime.training.strategies.apart_strategy import ApartStrategy
from seqspec.runtime.training.training_module import Training
from seqspec.schema.diagnostic import DataError, Exit, RunError

NOTHING = nullcontext()

Stream = Callable[[int], Iterable[Batch]]
"""This process's batches from an update on, to the last one."""


def train(
    module: Training,
    *,
    stream: Stream,
    unit: str,
    folder: RunFolder,
    training_state: TrainingState,
    evaluate_at: Callable[[int], EvaluationResult],
    launch: Launch,
    place: Place,
    peers: SharedWork | None = None,
    replica_stream: ReplicaStream | None = None,
) -> Exit | None:
    """Train to the end of the plan, to early stopping, to a signal or to a pause; gives the exit code where
    the end was not reached.  ``peers``: what this process does of a step that it shares with others;
    where these play replicas, each of them has a ``replica_stream``.

    Raises ``RunError`` where the run cannot go on.
    """
    experiment = module.program.plan.experiment
    config = experiment.train
    if module.step >= config.max_steps or training_state.stopped:
        return None
    if launch.pause_at is not None and module.step >= launch.pause_at:
        return Exit.CLEAN
    apart = module.apart is not None
    shared = Place() if apart else launch.of_batches(place)
    per_step = _micro_steps(module.micro_batches, shared)
    compares = any(one.losses.chosen(None, whole_batch=True) for one in module.program.each.values())
    if shared.world > 1 and compares:
        raise RunError(
            "a loss compares every example of a batch with every other, which processes cannot share yet",
            exit=Exit.USAGE,
            help="run one process; `train.accumulate` bounds the memory without changing what is compared",
        )
    if compares and module.micro_batches > 1 and module.program.weighting:
        raise RunError(
            "a loss compares all examples of a batch, and to learn its weight the batch must be in one piece",
            exit=Exit.USAGE,
            help="take `train.accumulate` out, or `train.weighting`",
        )
    if apart and module.arithmetic == "float16":
        raise RunError(
            "float16 is for a model that is trained in one piece, and this one has replicas",
            exit=Exit.USAGE,
            help="use `--precision bfloat16`",
        )
    if peers:
        require_shared(module, compares=compares)
    require_lanes(module)
    updates = len(module.cycle.turns)
    every = updates * (place.world if apart else 1)
    timed = Timed(stream(module.step * every), length=(config.max_steps - module.step) * updates * per_step)
    bar = Bar(total=config.max_steps, unit=unit, timed=timed, quiet=launch.quiet or place.rank > 0,
              title=str(folder.path))  # fmt: skip
    digest = module.program.plan.digests["all"]
    loggers = Loggers.of(launch.loggers if place.rank == 0 else (), folder.path, digest=digest)
    with Interrupts() as interrupts:
        boundary = Boundary(
            folder=folder, train=config, evaluate=experiment.evaluate, training_state=training_state,
            evaluate_at=evaluate_at,
            tasks={name: one.experiment.evaluate for name, one in module.program.plan.each.items()},
            interrupts=interrupts, bar=bar, loggers=loggers, pause_at=launch.pause_at,
            publish=partial(peers.place.publish_checkpoint, folder) if peers else None,
        )  # fmt: skip
        trainer = make_trainer(launch, place=place, accumulate=per_step, callbacks=[boundary], folder=folder,
                               precision=module.arithmetic,
                               unused=not module.cycle.alone or bool(module.program.tasks),
                               apart=apart or module.sharded is not None)  # fmt: skip
        if peers and replica_stream:
            ReplicaLoop.lead(trainer, boundary, peers, replica_stream)
        elif peers:
            MicroBatchLoop.lead(trainer, boundary, peers)
        else:
            LeanLoop.drive(trainer, module, boundary)
        try:
            with warnings.catch_warnings():
                # Lightning advises on loaders that it did not make.
                warnings.filterwarnings("ignore", module=r"lightning\..*")
                trainer.fit(module, train_dataloaders=timed)
        except SystemExit:  # which Lightning makes of an interrupt, with exit code 1
            if interrupts.hurried:
                raise _hurried(module, folder) from None
            raise
        except Exception as error:
            raise _explained(error, interrupts, module, folder) from error
    if module.step >= config.max_steps or training_state.stopped:
        return None
    return interrupts.exit or Exit.CLEAN


def make_trainer(
    launch: Launch,
    *,
    place: Place,
    accumulate: int,
    callbacks: list[Callback],
    folder: RunFolder,
    precision: str,
    unused: bool = False,
    apart: bool = False,
) -> lightning.Trainer:
    """Lightning's trainer without its own logger, bar, checkpoints, sampler, validation loop and signals.

    ``unused``: a backward pass may leave parameters out.  ``apart``: Lightning keeps nothing of the processes
    in step, because they share replicas and not updates, or because the model itself does.
    """
    devices = 1 if apart else int(os.environ.get("LOCAL_WORLD_SIZE", launch.devices))
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"lightning\..*")
        trainer = lightning.Trainer(
            accelerator=launch.accelerator,
            devices=devices,
            num_nodes=1 if apart else place.world // devices,
            strategy=ApartStrategy(place, _device(launch))
            if apart and place.world > 1
            else _strategy(launch, Place() if apart else place, unused=unused),
            **_arithmetic(precision, launch.accelerator),
            max_epochs=1,
            min_epochs=0,
            accumulate_grad_batches=accumulate,
            callbacks=callbacks,
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            use_distributed_sampler=False,
            limit_val_batches=0,
            num_sanity_val_steps=0,
            default_root_dir=folder.path,
            profiler=_profiler(folder) if launch.profile else _NoProfiler(),
        )
    # Lightning's own would end a run that is asked to end with exit code 0, and queue SLURM's jobs again.
    trainer._signal_connector.register_signal_handlers = _no_handlers  # type: ignore[method-assign]  # Lightning has no option
    return trainer


def _arithmetic(precision: str, accelerator: str) -> dict[str, Any]:
    """Of float16 Lightning only opens the context: it has no scaler that is resumed, and none on a CPU."""
    if precision != "float16":
        return {"precision": "bf16-mixed" if precision == "bfloat16" else "32-true"}
    from lightning.pytorch.plugins import MixedPrecision

    plugin = MixedPrecision("16-mixed", accelerator)
    plugin.scaler = None  # `Training` scales
    return {"plugins": [plugin]}


def _no_handlers() -> None:
    """Signals are ``Interrupts``'s."""


def _device(launch: Launch) -> str:
    return f"cuda:{os.environ.get('LOCAL_RANK', '0')}" if launch.accelerator == "cuda" else "cpu"


def _strategy(launch: Launch, place: Place, *, unused: bool) -> str:
    if place.world > 1 and launch.strategy in ("auto", "ddp"):
        return "ddp_find_unused_parameters_true" if unused else "ddp"
    return "auto" if launch.strategy in ("fsdp", "tp") else launch.strategy


def require_lanes(module: Training) -> None:
    """Raises ``RunError`` where a batch is cut into more slices than it has lanes."""
    for task, one in module.program.each.items():
        lanes = one.plan.experiment.data.lanes
        if lanes is not None and module.micro_batches > lanes:
            where = f" of `{task}`" if task else ""
            raise RunError(
                f"a batch{where} has {lanes} lane{'s' * (lanes > 1)} (`data.pack.sample: lanes`) and cannot "
                f"be cut into {module.micro_batches} slices",
                exit=Exit.USAGE,
                help="use fewer processes or a smaller `train.accumulate`, or raise `data.batch.size`",
            )


def _micro_steps(micro_batches: int, place: Place) -> int:
    if micro_batches % place.world:
        raise RunError(
            f"a step of {micro_batches} micro-batches cannot be shared by {place.world} processes",
            exit=Exit.USAGE,
            help=f"use a number of devices that divides {micro_batches}",
        )
    return micro_batches // place.world


def _hurried(module: Training, folder: RunFolder) -> RunError:
    return RunError(
        f"interrupted in the middle of step {module.step + 1:,}",
        exit=Exit.INTERRUPTED,
        help=_onward(folder),
    )


def _onward(folder: RunFolder) -> str:
    newest = max((path.name for path in folder.checkpoints.glob("step-*")), default=None)
    where = f"from `{newest}`" if newest else "from the start, for there is no checkpoint yet"
    return f"`seqspec run --resume {folder.path}` goes on {where}"


def _explained(error: Exception, interrupts: Interrupts, module: Training, folder: RunFolder) -> Exception:
    """What a person can act on, in place of what the libraries say."""
    if interrupts.exit is not None and not isinstance(error, RunError):
        return RunError(
            f"a signal came, and what the run needs was gone before the next step boundary ({error})",
            exit=interrupts.exit,
            help=f"`seqspec run --resume {folder.path}` goes on from the last checkpoint",
        )
    if lost := lost_process(error):
        return RunError(
            f"another process of the run was lost after step {module.step:,}: {lost}",
            exit=Exit.LOST,
            help=f"what it or its machine says tells why; {_onward(folder)}",
        )
    if isinstance(error, DataError):
        return error if module.program.tasks else of_corpus(error, module.program.plan)
    if of_compiler(error):
        return RunError(
            f"torch.compile failed after step {module.step}: {first_line(error)}",
            exit=Exit.USAGE,
            help="leave --compile out",
        )
    text = str(error)
    if isinstance(error, RuntimeError) and not isinstance(error, RunError) and "DataLoader worker" in text:
        what = "did not answer in time" if "timed out" in text else "died"
        return RunError(
            f"a loader process {what} after step {module.step}: {text.splitlines()[0]}",
            exit=Exit.DATA,
            help="often the machine is out of memory: use fewer --workers or smaller batches; "
            f"then `seqspec run --resume {folder.path}`",
        )
    return error


class _NoProfiler(PassThroughProfiler):
    """Lightning's own profiler of nothing enters a generator around each hook."""

    def profile(self, action_name: str) -> Any:
        return NOTHING


def _profiler(folder: RunFolder) -> Any:
    from lightning.pytorch.profilers import SimpleProfiler

    return SimpleProfiler(dirpath=folder.path, filename="profile")
