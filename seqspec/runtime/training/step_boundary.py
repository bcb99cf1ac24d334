"""What happens at a step boundary, in this order: journal, evaluation, checkpoint, signals.

The order is the promise: a checkpoint is written after an evaluation that is due, so that none is lost; and
after the journal is durable, so that its length can be named in the checkpoint.
"""

from __future__ import annotations

import errno
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import torch

from seqspec.runtime.checkpoints.checkpoint import Checkpoint, write_checkpoint
from seqspec.runtime.checkpoints.retention import Retention, prune
from seqspec.runtime.checkpoints.training_state import TrainingState
from seqspec.runtime.devices.deferred_number import DeferredNumber
from seqspec.runtime.devices.sharded_tensors import take_part
from seqspec.runtime.run_folder.folder import STARTING, RunFolder
from seqspec.runtime.run_folder.loggers import Loggers
from seqspec.runtime.run_folder.metrics_log import Journal
from seqspec.runtime.run_folder.tensorboard_events import Events
from seqspec.runtime.training.lightning_import import Callback, lightning
from seqspec.runtime.training.progress.progress_bar import Bar
from seqspec.runtime.training.signals import Interrupts
from seqspec.runtime.training.training_module import Training
from seqspec.schema.diagnostic import Exit, RunError
from seqspec.schema.sections.evaluate import Evaluate
from seqspec.schema.sections.train import Train

STORAGE = {errno.ENOSPC, errno.EIO, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EFBIG}


@dataclass(frozen=True)
class EvaluationResult:
    """What an evaluation while training found."""

    metrics: Mapping[str, Mapping[str, float]]
    """By split and name; of several tasks splits are called ``TASK/SPLIT``."""
    score: float | None
    """The first metric on the first split, turned so that higher is better; of several tasks what
    ``evaluate.score`` makes of theirs.
    """
    scores: Mapping[str, float] = field(default_factory=dict)
    """The same of each of several tasks."""
    baselines: Mapping[str, Mapping[str, Mapping[str, float]]] = field(default_factory=dict)
    """Metrics of answers that need no learning, by split and by how they are made."""


class Boundary(Callback):
    """Acts whenever an optimiser step is complete."""

    def __init__(
        self,
        *,
        folder: RunFolder,
        train: Train,
        evaluate: Evaluate,
        tasks: Mapping[str, Evaluate],
        training_state: TrainingState,
        evaluate_at: Callable[[int], EvaluationResult],
        interrupts: Interrupts,
        bar: Bar,
        loggers: Loggers,
        pause_at: int | None = None,
        publish: Callable[[int], None] | None = None,
    ) -> None:
        """``publish`` hears of each checkpoint that the plan itself writes."""
        self.pause_at, self.publish = pause_at, publish
        self.folder, self.train, self.evaluate, self.training_state = folder, train, evaluate, training_state
        self.tasks = tasks
        training_state.checkpoint_every_steps, training_state.max_steps = (
            train.checkpoint_every_steps,
            train.max_steps,
        )
        self.evaluate_at, self.interrupts, self.bar = evaluate_at, interrupts, bar
        self.journal: Journal | None = None
        self.speed: Journal | None = None
        self.events: Events | None = None
        self.loggers = loggers
        self._seen = 0
        self._asked: DeferredNumber | float = 0.0

    def on_train_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        assert isinstance(pl_module, Training)
        self._seen = pl_module.step
        if trainer.is_global_zero:
            with storage(self.folder):
                self.journal = Journal(self.folder.metrics)
                self.journal.cut(self.training_state.journal)
                self.journal.append(self.training_state.end_lines)
                self.training_state.end_lines = ""
                self.speed = Journal(self.folder.speed)
                self.events = Events(self.folder.path / "events")

    def on_train_batch_end(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, *_: object
    ) -> None:
        assert isinstance(pl_module, Training)
        if pl_module.step == self._seen:
            return
        self._seen = step = pl_module.step
        last = step == self.train.max_steps
        evaluated = self._evaluation_due(step, last=last)
        stop = self._interrupted(trainer, pl_module) or step == self.pause_at
        saved = last or stop or step % self.train.checkpoint_every_steps == 0
        if saved or evaluated or step % self.train.log_every_steps == 0:
            pl_module.settle()
        if last and self.journal:
            self.training_state.journal_before_end = self.journal.length
        self._report(pl_module, last=last)
        if evaluated:
            self._evaluate(step)
            stop = self._interrupted(trainer, pl_module) or stop
        if saved or stop or self.training_state.stopped:
            self._checkpoint(trainer, pl_module)
        trainer.should_stop = trainer.should_stop or stop or self.training_state.stopped

    def on_train_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        float(self._asked)  # No process leaves while others still need what it sends.
        self._close()

    def on_exception(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, exception: BaseException
    ) -> None:
        self._close()

    def _close(self) -> None:
        self.bar.finish()
        for file in (self.journal, self.speed, self.events):
            if file is not None:
                file.close()
        self.journal = self.speed = self.events = None
        self.loggers.close()

    def _report(self, module: Training, *, last: bool) -> None:
        due = last or module.step % self.train.log_every_steps == 0
        means = module.window.means() if due else {}
        self.bar.update(module.step, next(iter(means.values()), None))
        if not due:
            return
        left_out = module.targets.require(module.window, step=module.step)
        if self.journal:
            for line in left_out:
                print(f"warning: {line}: they are left out of the loss", file=sys.stderr)
        rates, norms = module.rates(module.step), module.window.norms()
        if self.journal and self.speed and self.events:
            with storage(self.folder):
                dropped = {"dropped": module.window.dropped} if module.window.dropped else {}
                cosines = module.cosines.means() if module.cosines else {}
                values = {**means, **rates, **norms, **cosines, **dropped}
                line = self.journal.write(event="train", step=module.step, **values)
                self._keep_for_longer(line, last=last, period=self.train.log_every_steps, step=module.step)
                speed = self.bar.speed()
                if module.replicas:
                    speed["exchange_seconds"] = round(module.replicas.waited, 3)
                self.speed.write(step=module.step, time=round(time.time(), 3), **speed)
                tags = {f"train/{name}": value for name, value in means.items()}
                steered = {f"train/{name}": value for name, value in {**rates, **norms}.items()}
                speeds = {f"speed/{name}": value for name, value in speed.items() if name != "seconds"}
                self.events.write(module.step, {**tags, **steered, **speeds})
            self.loggers.write(module.step, {**tags, **steered, **speeds})
        if module.step % self.train.log_every_steps == 0:  # Not at an end that the run may go on beyond.
            module.window = module.window.emptied()
            if module.cosines:
                module.cosines.forget()

    def _evaluation_due(self, step: int, *, last: bool) -> bool:
        period = self.evaluate.every_steps
        return period is not None and (last or step % period == 0) and self._measured

    @property
    def _measured(self) -> bool:
        return any(task.metrics for task in self.tasks.values())

    def _evaluate(self, step: int) -> None:
        evaluation = self.evaluate_at(step)
        training_state = self.training_state
        if self.journal and self.events:
            with storage(self.folder):
                for split, metrics in evaluation.metrics.items():
                    task, _, part = split.rpartition("/")
                    where = {"task": task, "split": part} if task else {"split": split}
                    beside = evaluation.baselines.get(split, {})
                    line = self.journal.write(
                        event="evaluate", step=step, **where, metrics=metrics,
                        **({"baselines": beside} if beside else {}),
                    )  # fmt: skip
                    last = step == self.train.max_steps
                    self._keep_for_longer(line, last=last, period=self.evaluate.every_steps, step=step)
                    scalars = {f"{split}/{name}": value for name, value in metrics.items()}
                    self.events.write(step, scalars)
                    self.loggers.write(step, scalars)
        for split, metrics in evaluation.metrics.items():
            self.bar.evaluated(step, split, metrics, evaluation.baselines.get(split, {}))
        training_state.evaluated_at = step
        if evaluation.score is None:
            return
        training_state.scores[step] = evaluation.score
        for task, score in evaluation.scores.items():
            training_state.task_scores.setdefault(task, {})[step] = score
        training_state.patience, training_state.stopped = training_state.waited(self.tasks)

    def _keep_for_longer(self, line: str, *, last: bool, period: int | None, step: int) -> None:
        if last and period and step % period == 0:
            self.training_state.end_lines += line

    def _checkpoint(self, trainer: lightning.Trainer, module: Training) -> None:
        numbers = module.numbers()
        if not trainer.is_global_zero or self.journal is None:
            if module.sharded:
                take_part(module.tensors())
            return
        with storage(self.folder):
            self.training_state.journal = self.journal.settle()
            state = {**numbers, "standing": self.training_state.as_json()}
            write_checkpoint(self.folder.checkpoints, Checkpoint(module.step, module.tensors(), state))
            retention = Retention.of(self.train)
            training_state = self.training_state
            prune(
                self.folder.checkpoints,
                retention=retention,
                scores=training_state.scores,
                planned=training_state.planned,
            )
        if self.publish and training_state.planned(module.step):
            self.publish(module.step)

    def _interrupted(self, trainer: lightning.Trainer, module: Training) -> bool:
        """Whether any process has had a signal; all of them agree, those that are apart when they meet."""
        alone = trainer.world_size == 1
        if module.apart and not module.apart.meets(module.step) and (self.publish or not alone):
            return False
        if alone:
            return self.interrupts.received is not None
        here = trainer.strategy.root_device
        flag = torch.full((), float(self.interrupts.received or 0), device=here)
        on_gpu = here.type == "cuda"
        hides = module.apart is not None and module.apart.overlap > 0 and not on_gpu
        work = torch.distributed.all_reduce(flag, op=torch.distributed.ReduceOp.MAX, async_op=hides)
        asked, self._asked = self._asked, DeferredNumber(flag, work)
        # Neither a GPU is waited for nor a link whose time is hidden: what was asked before is answered.
        heard = int(float(asked if on_gpu or hides else self._asked))
        if heard and self.interrupts.received is None:
            self.interrupts.received = heard
        return bool(heard)


class storage:
    """Turns a full, failing or read-only disk into a ``RunError`` with exit code 5."""

    def __init__(self, folder: RunFolder) -> None:
        self.folder = folder

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, OSError) and error.errno in STORAGE:
            begun = not self.folder.path.name.startswith(STARTING)
            raise RunError(
                f"cannot write to {self.folder.path}: {error.strerror}"
                + ("; the last good checkpoint is kept" if begun else ""),
                exit=Exit.STORAGE,
                help=f"make room, then `seqspec run --resume {self.folder.path}`"
                if begun
                else "make room, or name another place by --runs, and begin anew",
            ) from error
