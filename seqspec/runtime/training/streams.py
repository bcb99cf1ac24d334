"""What the loaders give to the runtime: the training stream from a step on, and a split by length."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterable

import numpy as np

from seqspec.data.batching.batch import Batch
from seqspec.data.batching.collate import AnySplit
from seqspec.data.batching.loader import Loader, evaluation_of, training_loader, training_order
from seqspec.data.stages.prepare import Prepared
from seqspec.runtime.devices.launch import Launch, Place
from seqspec.runtime.training.signals import SIGNALS
from seqspec.schema.types import Waveform


def training_stream(
    prepared: Prepared, *, max_steps: int, slices: int, launch: Launch, place: Place
) -> Callable[[int], Iterable[Batch]]:
    """From an optimiser step on, this process's slices up to the last step."""
    parts, split = prepared.parts, prepared.splits["train"]
    order = training_order(parts, split)

    def stream(step: int) -> Iterable[Batch]:
        loader = training_loader(
            parts, split, order=order, start=step, stop=max_steps, num_slices=slices,
            rank=place.rank, world=place.world, workers=launch.workers, pin=launch.accelerator == "cuda",
        )  # fmt: skip
        loader.worker_init_fn = ignore_signals
        return loader

    return stream


def evaluation_stream(
    prepared: Prepared,
    split: AnySplit,
    *,
    slices: int,
    launch: Launch,
    place: Place,
    limit: int | None = None,
    rows: np.ndarray | None = None,
) -> Iterable[Batch]:
    """Every example once, or the first ``limit`` of them, or those of ``rows``, sorted by length."""
    parts = prepared.parts
    steps = evaluation_of(
        parts, split, num_slices=slices, rank=place.rank, world=place.world, limit=limit, rows=rows
    )
    workers = parts.config.batch.workers if launch.workers is None else launch.workers
    loader = Loader(steps, workers=workers, pin=launch.accelerator == "cuda")
    loader.worker_init_fn = ignore_signals
    return loader


def ignore_signals(worker: int) -> None:
    """A signal to the whole group must not take the workers away before the run has reached its boundary."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def unit_of(prepared: Prepared) -> str:
    """What the bar counts."""
    if isinstance(prepared.parts.roles.get("source"), Waveform):
        return "frames"
    return "examples" if prepared.parts.whole else "tokens"
