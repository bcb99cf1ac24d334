"""Loaders for training and evaluation: batches are planned by number, so workers, ranks and restarts change
nothing.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from torch.utils.data import DataLoader, Dataset

from seqspec.data.batching.batch import Batch
from seqspec.data.batching.cached_layouts import stored_layout
from seqspec.data.batching.collate import NOTHING, AnySplit, Augments, collate, loss_normalizers_of
from seqspec.data.batching.lanes import Lanes
from seqspec.data.batching.layout import Layout, sorted_layout
from seqspec.data.batching.mixing_partners import Mixer
from seqspec.data.batching.order import Order, micro_batches
from seqspec.data.batching.step_shares import StepShares
from seqspec.data.batching.turns import Rounds, Turns
from seqspec.data.stages.packing import PackedSplit
from seqspec.data.stages.parts import TOKENS_AND_END, DataParts
from seqspec.schema.diagnostic import DataError
from seqspec.schema.types import Counted

HUNG_SECONDS = 600.0
"""How long a worker may take over one batch before it counts as hung."""


@dataclass(frozen=True)
class MicroSteps(Dataset[Batch]):
    """The micro-batches of a run that one rank works through, from global batch ``start`` on; item *i* is
    a pure function of *i*.

    A global batch has ``num_micro_batches`` micro-batches; in one round every rank takes one, rank
    *r* of *w* in round *j* micro-batch *j·w + r*.
    """

    split: AnySplit
    order: Order
    num_micro_batches: int = 1
    rank: int = 0
    world: int = 1
    start: int = 0
    stop: int = 1
    augments: Augments = field(default_factory=dict)
    counted: Mapping[str, Counted] = field(default_factory=lambda: {"loss": TOKENS_AND_END})
    seed: int = 1
    mixers: Mapping[str, Sequence[Mixer]] = field(default_factory=dict)
    waveform_augments: Augments = field(default_factory=dict)

    def __post_init__(self) -> None:
        assert self.num_micro_batches % self.world == 0, "every rank takes as many micro-batches of a batch"

    def __len__(self) -> int:
        return (self.stop - self.start) * (self.num_micro_batches // self.world)

    def __getitem__(self, item: int) -> Batch:
        if not 0 <= item < len(self):
            raise IndexError(item)
        number, round_ = divmod(item, self.num_micro_batches // self.world)
        return self.micro_batch(self.start + number, round_ * self.world + self.rank)

    def micro_batch(self, number: int, part: int, *, run: int | None = None) -> Batch:
        """Slice ``part`` of global batch ``number``; ``run``: its number in the whole run, where several
        tasks take turns.
        """
        epoch, examples = self.order.batch(number)
        mine = micro_batches(examples, lengths=self.split.lengths, number=part, count=self.num_micro_batches)
        normalizers = loss_normalizers_of(
            self.split, examples, counted=self.counted, micro_batches=self.num_micro_batches
        )
        step = (number if run is None else run) * self.num_micro_batches + part
        if not len(mine):
            mine, normalizers = examples[:1], dict.fromkeys(normalizers, NOTHING)
        batch = collate(
            self.split,
            mine,
            step=step,
            loss_normalizers=normalizers,
            augments=self.augments,
            seed=self.seed,
            epoch=epoch,
            mixers=self.mixers,
            waveform_augments=self.waveform_augments,
            whole=examples,
        )
        lanes = lanes_of(self.split)
        return batch if lanes is None else batch._replace(lanes=lanes.of(mine))


@dataclass(frozen=True)
class TaskSteps(Dataset[Batch]):
    """The same for several tasks that take turns: each global batch is the next of its task's own order."""

    tasks: Mapping[str, MicroSteps]
    turns: Turns | Rounds | StepShares
    num_micro_batches: int = 1
    rank: int = 0
    world: int = 1
    start: int = 0
    stop: int = 1

    def __len__(self) -> int:
        return (self.stop - self.start) * (self.num_micro_batches // self.world)

    def __getitem__(self, item: int) -> Batch:
        if not 0 <= item < len(self):
            raise IndexError(item)
        number, round_ = divmod(item, self.num_micro_batches // self.world)
        number += self.start
        turn = self.turns.at(number)
        batch = self.tasks[turn.task].micro_batch(turn.number, round_ * self.world + self.rank, run=number)
        return batch._replace(task=turn.task)


@dataclass(frozen=True)
class SharedUpdates(Dataset[Batch]):
    """Of several updates in a row, which replicas share, those of one rank: number *r*, *r + w*, …, each with
    all of its micro-batches.
    """

    steps: MicroSteps | TaskSteps
    rank: int
    world: int

    def __len__(self) -> int:
        return len(self.steps) // self.world

    def __getitem__(self, item: int) -> Batch:
        update, part = divmod(item, self.steps.num_micro_batches)
        return self.steps[(update * self.world + self.rank) * self.steps.num_micro_batches + part]


@dataclass(frozen=True)
class Evaluation(Dataset[Batch]):
    """Every example of a split once, sorted by length; without augmentation."""

    split: AnySplit
    layout: Layout
    counted: Mapping[str, Counted] = field(default_factory=lambda: {"loss": TOKENS_AND_END})
    rank: int = 0
    world: int = 1
    lanes: Lanes | None = None

    def __len__(self) -> int:
        total = len(self.layout.cuts[0]) - 1
        return max(0, -(-(total - self.rank) // self.world))

    def __getitem__(self, item: int) -> Batch:
        if not 0 <= item < len(self):
            raise IndexError(item)
        number = item * self.world + self.rank
        start, end = self.layout.cuts[0][number : number + 2].tolist()
        examples = self.layout.examples[start:end].astype("int64")
        normalizers = loss_normalizers_of(self.split, examples, counted=self.counted, micro_batches=1)
        batch = collate(self.split, examples, step=number, loss_normalizers=normalizers)
        return batch if self.lanes is None else batch._replace(lanes=self.lanes.of(examples))


def training_order(parts: DataParts, split: AnySplit) -> Order:
    """The order of training over a split."""
    layout = stored_layout(split, parts)
    in_lanes = lanes_of(split) is not None  # where only one order has each row follow the one before
    return Order(layout, seed=parts.seed, shuffle=parts.config.batch.shuffle and not in_lanes)


def lanes_of(split: AnySplit, *, limit: int | None = None) -> Lanes | None:
    """The lanes that the rows of a split, or the first ``limit`` of them, stand in."""
    if not isinstance(split, PackedSplit) or split.lanes is None:
        return None
    rows = len(split) if limit is None else min(limit, len(split))
    return Lanes(rows, min(split.lanes, rows))


def training_loader(
    parts: DataParts,
    split: AnySplit,
    *,
    order: Order | None = None,
    start: int = 0,
    stop: int,
    num_micro_batches: int = 1,
    rank: int = 0,
    world: int = 1,
    workers: int | None = None,
    pin: bool = False,
) -> Loader:
    """Slices of the global batches ``start`` to ``stop`` for one rank, in order."""
    order = order or training_order(parts, split)
    steps = micro_steps(
        parts,
        split,
        order,
        start=start,
        stop=stop,
        num_micro_batches=num_micro_batches,
        rank=rank,
        world=world,
    )
    return Loader(steps, workers=parts.config.batch.workers if workers is None else workers, pin=pin)


def micro_steps(
    parts: DataParts,
    split: AnySplit,
    order: Order,
    *,
    start: int,
    stop: int,
    num_micro_batches: int,
    rank: int,
    world: int,
) -> MicroSteps:
    """What one rank works through of a split."""
    return MicroSteps(
        split,
        order,
        num_micro_batches,
        rank,
        world,
        start,
        stop,
        parts.augments,
        parts.counted,
        parts.seed,
        parts.mixers,
        parts.waveform_augments,
    )


def evaluation_of(
    parts: DataParts,
    split: AnySplit,
    *,
    num_micro_batches: int = 1,
    rank: int = 0,
    world: int = 1,
    limit: int | None = None,
    rows: np.ndarray | None = None,
) -> Evaluation:
    """Every example of a split once, or the first ``limit`` of them, or those of ``rows``, in batches of the
    size of one training micro-batch.  Rows that stand in lanes come in their order, but for chosen ones.
    """
    lanes = lanes_of(split, limit=limit) if rows is None else None
    if lanes is not None:
        return Evaluation(split, lanes.evaluation(parts=num_micro_batches), parts.counted, rank, world, lanes)
    batch = parts.config.batch
    size = max(batch.size / num_micro_batches, 1.0 if batch.unit == "examples" else 1e-9)
    measured = batch.measured(split.roles)
    sides = split.sides(measured)
    chosen = np.arange(len(sides))[:limit] if rows is None else rows
    config = batch.model_copy(update={"size": size})
    layout = sorted_layout(sides[chosen], config, frames_per_second=split.rates.get(measured or ""))
    layout = replace(layout, examples=chosen[layout.examples].astype(np.int32))
    return Evaluation(split, layout, parts.counted, rank, world)


@dataclass
class Waiting:
    """Seconds that the reader of a loader spent waiting for data, and the batches it got."""

    seconds: float = 0.0
    batches: int = 0


class Loader(DataLoader[Batch]):
    """A ``DataLoader`` that measures the waiting, names what went wrong in a worker, and gives up on one
    that hangs.
    """

    def __init__(self, steps: Any, *, workers: int = 0, pin: bool = False) -> None:
        settings: dict[str, Any] = {}
        if workers:
            settings = {"timeout": HUNG_SECONDS, "prefetch_factor": 4}
        super().__init__(
            _Guarded(steps),
            batch_size=None,
            num_workers=workers,
            pin_memory=pin,
            collate_fn=_whole,
            **settings,
        )
        self.waiting = Waiting()

    def __iter__(self) -> Iterator[Batch]:  # type: ignore[override]
        batches = self._named(super().__iter__ if self.num_workers or self.pin_memory else self._here)
        while True:
            begun = time.perf_counter()
            batch = next(batches, None)
            self.waiting.seconds += time.perf_counter() - begun
            if batch is None:
                return
            self.waiting.batches += 1
            yield batch

    def _here(self) -> Iterator[Any]:
        """In this process, where torch's loader has nothing to add but its profiler's records."""
        return (self.dataset[item] for item in range(len(self)))

    def _named(self, batches: Any) -> Iterator[Batch]:
        try:
            for found in batches():
                if isinstance(found, _Fault):
                    raise found.error
                yield found
        except RuntimeError as error:
            message = str(error)
            if "timed out" in message:
                raise DataError(
                    f"a loader process gave no batch for {HUNG_SECONDS:.0f} s",
                    help="a file system that hangs is the usual reason; `--workers 0` shows where",
                ) from None
            if "exited unexpectedly" in message or "is killed by signal" in message:
                raise DataError(
                    f"a loader process died: {message.splitlines()[0]}",
                    help="want of memory, shared memory too, is the usual reason; try fewer `--workers`",
                ) from None
            raise


def _whole(found: Any) -> Any:
    """A batch is one already; torch's own would look through it for arrays."""
    return found


@dataclass(frozen=True)
class _Fault:
    error: Exception


@dataclass(frozen=True)
class _Guarded(Dataset[Any]):
    """Hands a ``DataError`` over as a value, so that it crosses the process boundary whole."""

    steps: Any

    def __len__(self) -> int:
        return len(self.steps)

    def __getitem__(self, item: int) -> Batch | _Fault:
        try:
            found: Batch = self.steps[item]
            return found
        except DataError as error:
            return _Fault(error)
