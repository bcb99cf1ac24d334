"""What the loaders give to the runtime: the training stream from a step on, and a split by length."""

from __future__ import annotations

import atexit
import multiprocessing
import signal
from collections.abc import Iterable, Mapping
from functools import cache
from itertools import chain, pairwise
from types import MappingProxyType
from typing import Any, Protocol, TypedDict

import numpy as np

from seqspec.data.batching.batch import Batch
from seqspec.data.batching.collate import AnySplit
from seqspec.data.batching.loader import (
    Loader,
    SharedUpdates,
    TaskSteps,
    evaluation_of,
    micro_steps,
    training_order,
)
from seqspec.data.batching.step_shares import StepShares
from seqspec.data.batching.turns import Adapted, Rounds, Turns
from seqspec.data.stages.prepare import Prepared
from seqspec.runtime.assembly.assembled import Assembled
from seqspec.runtime.devices.launch import Launch, Place
from seqspec.runtime.training.signals import SIGNALS
from seqspec.schema.types import Waveform


class Stream(Protocol):
    """Micro-batches from an update on, to the last one or to another."""

    def __call__(self, step: int, end: int = ..., /) -> Iterable[Batch]: ...


TaskScores = Mapping[str, Mapping[int, float]]
"""The score of each task by step, turned so that higher is better."""


def training_stream(
    assembled: Assembled,
    *,
    max_steps: int,
    micro_batches: int,
    launch: Launch,
    place: Place,
    apart: bool = False,
    scores: TaskScores | None = None,
) -> Stream:
    """From an update on, this process's micro-batches up to the last one, or to another; where replicas train
    ``apart``, all micro-batches of its own updates.

    ``scores`` are those of the tasks by step; a mix that follows them looks there after each evaluation.
    They are left out where nobody evaluates.
    """
    shared = Place() if apart else place
    each = {name: one.prepared for name, one in assembled.each.items()}
    orders = {name: training_order(one.parts, one.splits["train"]) for name, one in each.items()}
    asked = [one.parts.config.batch.workers for one in each.values()]
    workers = max(asked) if launch.workers is None else launch.workers
    experiment = assembled.compiled.plan.experiment
    updates = max_steps // experiment.train.max_steps
    # What was read ahead would be of the rates before an evaluation: a loader ends where one is due.
    every = experiment.evaluate.every_steps if scores is not None and _adapts(assembled) else None
    period = None if every is None else every * updates

    def part(start: int, stop: int) -> Loader:
        turns = turns_of(assembled, scores=scores or {}, updates=updates)
        within: _Within = {
            "num_micro_batches": micro_batches, "rank": shared.rank, "world": shared.world, "start": start,
            "stop": stop,
        }  # fmt: skip
        tasks = {
            name: micro_steps(one.parts, one.splits["train"], orders[name], **within)
            for name, one in each.items()
        }
        steps = tasks[""] if turns is None else TaskSteps(tasks, turns, **within)
        mine = SharedUpdates(steps, place.rank, place.world) if apart else steps
        loader = Loader(mine, workers=workers, pin=launch.accelerator == "cuda")
        return deaf(loader)

    def stream(step: int, end: int = max_steps) -> Iterable[Batch]:
        if period is None:
            return part(step, end)
        cuts = [step, *range(step - step % period + period, end, period), end]
        return chain.from_iterable(part(*ends) for ends in pairwise(cuts))

    return stream


def _adapts(assembled: Assembled) -> bool:
    """Whether the turns follow what evaluations find."""
    plan = assembled.compiled.plan
    return bool(plan.tasks) and getattr(plan.experiment.train.mix, "adapts", False)


class _Within(TypedDict):
    """What part of the run one process works through."""

    num_micro_batches: int
    rank: int
    world: int
    start: int
    stop: int


def turns_of(
    assembled: Assembled, *, scores: TaskScores = MappingProxyType({}), updates: int = 1
) -> Turns | Rounds | StepShares | None:
    """How the tasks take turns, where there are several; ``scores`` are those of the tasks by step, of
    ``updates`` each, turned so that higher is better.
    """
    plan = assembled.compiled.plan
    if not plan.tasks:
        return None
    sizes = {name: len(one.prepared.splits["train"]) for name, one in assembled.each.items()}
    mix: Any = plan.experiment.train.mix
    if mix is None:  # a step of all tasks
        return Rounds(sizes)
    batches: int | None = getattr(mix, "per_step", None)
    if _adapts(assembled):
        mix = _adapted(mix, assembled, scores, updates)
    if batches is None:
        return Turns(mix, sizes, plan.experiment.seed)
    return StepShares(mix, sizes, plan.experiment.seed, batches)


def _adapted(mix: Any, assembled: Assembled, scores: TaskScores, updates: int) -> Adapted:
    """``mix`` with what evaluations have found, in the metrics' own direction."""
    first = {task: one.program.metrics[0] for task, one in assembled.each.items() if one.program.metrics}
    lower = frozenset(task for task, metric in first.items() if metric.better == "lower")
    found: dict[int, dict[str, float]] = {}
    for task, known in scores.items():
        for step, score in known.items():
            found.setdefault(step * updates, {})[task] = -score if task in lower else score
    return Adapted(mix, found, lower)


def evaluation_stream(
    prepared: Prepared,
    split: AnySplit,
    *,
    micro_batches: int,
    launch: Launch,
    place: Place,
    limit: int | None = None,
    rows: np.ndarray | None = None,
) -> Iterable[Batch]:
    """Every example once, or the first ``limit`` of them, or those of ``rows``, sorted by length."""
    parts = prepared.parts
    steps = evaluation_of(
        parts,
        split,
        num_micro_batches=micro_batches,
        rank=place.rank,
        world=place.world,
        limit=limit,
        rows=rows,
    )
    workers = parts.config.batch.workers if launch.workers is None else launch.workers
    loader = Loader(steps, workers=workers, pin=launch.accelerator == "cuda")
    return deaf(loader)


def deaf(loader: Loader) -> Loader:
    """A signal to the whole group must not take the workers away before the run has reached its boundary."""
    loader.worker_init_fn = _ignore_signals
    _kill_at_exit()
    return loader


@cache
def _kill_at_exit() -> None:
    """Python asks the daemons that are left to end by a signal that these ignore, and then waits for them."""
    atexit.register(_kill_daemons)


def _kill_daemons() -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # torch takes a killed worker for a fault
    for one in multiprocessing.active_children():
        if one.daemon:
            one.kill()


def _ignore_signals(worker: int) -> None:
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def unit_of(assembled: Assembled) -> str:
    """What the bar counts; where several tasks do not count alike, the positions of all."""
    units = {_unit(one.prepared) for one in assembled.each.values()}
    return units.pop() if len(units) == 1 else "positions"


def _unit(prepared: Prepared) -> str:
    if isinstance(prepared.parts.roles.get("source"), Waveform):
        return "frames"
    return "examples" if prepared.parts.whole else "tokens"
