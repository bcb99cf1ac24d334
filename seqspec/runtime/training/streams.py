"""What the loaders give to the runtime: the training stream from a step on, and a split by length."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterable
from typing import Any, TypedDict

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
from seqspec.data.batching.turns import Rounds, Turns
from seqspec.data.stages.prepare import Prepared
from seqspec.runtime.assembly.assembled import Assembled
from seqspec.runtime.devices.launch import Launch, Place
from seqspec.runtime.training.signals import SIGNALS
from seqspec.schema.types import Waveform


def training_stream(
    assembled: Assembled,
    *,
    max_steps: int,
    micro_batches: int,
    launch: Launch,
    place: Place,
    apart: bool = False,
) -> Callable[[int], Iterable[Batch]]:
    """From an update on, this process's micro-batches up to the last one; where replicas train ``apart``,
    all micro-batches of its own updates.
    """
    shared = Place() if apart else place
    each = {name: one.prepared for name, one in assembled.each.items()}
    orders = {name: training_order(one.parts, one.splits["train"]) for name, one in each.items()}
    turns = turns_of(assembled)
    asked = [one.parts.config.batch.workers for one in each.values()]
    workers = max(asked) if launch.workers is None else launch.workers

    def stream(step: int) -> Iterable[Batch]:
        within: _Within = {
            "num_micro_batches": micro_batches, "rank": shared.rank, "world": shared.world, "start": step,
            "stop": max_steps,
        }  # fmt: skip
        tasks = {
            name: micro_steps(one.parts, one.splits["train"], orders[name], **within)
            for name, one in each.items()
        }
        steps = tasks[""] if turns is None else TaskSteps(tasks, turns, **within)
        mine = SharedUpdates(steps, place.rank, place.world) if apart else steps
        loader = Loader(mine, workers=workers, pin=launch.accelerator == "cuda")
        loader.worker_init_fn = ignore_signals
        return loader

    return stream


class _Within(TypedDict):
    """What part of the run one process works through."""

    num_micro_batches: int
    rank: int
    world: int
    start: int
    stop: int


def turns_of(assembled: Assembled) -> Turns | Rounds | None:
    """How the tasks take turns, where there are several."""
    plan = assembled.compiled.plan
    if not plan.tasks:
        return None
    sizes = {name: len(one.prepared.splits["train"]) for name, one in assembled.each.items()}
    if getattr(plan.experiment.procedure, "joins", False):
        return Rounds(sizes)
    mix: Any = plan.experiment.train.mix
    return Turns(mix, sizes, plan.experiment.seed)


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
    loader.worker_init_fn = ignore_signals
    return loader


def ignore_signals(worker: int) -> None:
    """A signal to the whole group must not take the workers away before the run has reached its boundary."""
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
