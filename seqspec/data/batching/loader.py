"""Loaders for training and evaluation: batches are planned by number, so workers, ranks and restarts change
nothing.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from torch.utils.data import DataLoader, Dataset

from seqspec.data.batching.batch import Batch
from seqspec.data.batching.cached_layouts import stored_layout
from seqspec.data.batching.collate import NOTHING, AnySplit, Augment, TargetUnit, collate, share_of
from seqspec.data.batching.layout import Layout, sorted_layout
from seqspec.data.batching.order import Order, slices
from seqspec.data.stages.parts import DataParts
from seqspec.schema.diagnostic import DataError

HUNG_SECONDS = 600.0
"""How long a worker may take over one batch before it counts as hung."""


@dataclass(frozen=True)
class MicroSteps(Dataset[Batch]):
    """The slices of a run that one rank works through, from global batch ``start`` on; item *i* is a pure
    function of *i*.

    A global batch has ``num_slices`` slices; in one round every rank takes one, rank *r* of *w* in round *j*
    slice *j·w + r*.
    """

    split: AnySplit
    order: Order
    num_slices: int = 1
    rank: int = 0
    world: int = 1
    start: int = 0
    stop: int = 1
    augments: Sequence[Augment] = ()
    target_unit: TargetUnit = "tokens_and_end"
    seed: int = 1

    def __post_init__(self) -> None:
        assert self.num_slices % self.world == 0, "every rank takes as many slices of a batch"

    def __len__(self) -> int:
        return (self.stop - self.start) * (self.num_slices // self.world)

    def __getitem__(self, item: int) -> Batch:
        if not 0 <= item < len(self):
            raise IndexError(item)
        number, round_ = divmod(item, self.num_slices // self.world)
        return self.slice(self.start + number, round_ * self.world + self.rank)

    def slice(self, number: int, part: int) -> Batch:
        """Slice ``part`` of global batch ``number``."""
        epoch, examples = self.order.batch(number)
        lengths = self.split.lengths
        mine = slices(examples, lengths=lengths, number=part, count=self.num_slices)
        share = share_of(lengths[examples], unit=self.target_unit, slices=self.num_slices)
        step = number * self.num_slices + part
        if not len(mine):
            mine, share = examples[:1], NOTHING
        return collate(
            self.split, mine, step=step, share=share, augments=self.augments, seed=self.seed, epoch=epoch
        )


@dataclass(frozen=True)
class Evaluation(Dataset[Batch]):
    """Every example of a split once, sorted by length; without augmentation."""

    split: AnySplit
    layout: Layout
    target_unit: TargetUnit = "tokens_and_end"
    rank: int = 0
    world: int = 1

    def __len__(self) -> int:
        total = len(self.layout.cuts[0]) - 1
        return max(0, -(-(total - self.rank) // self.world))

    def __getitem__(self, item: int) -> Batch:
        if not 0 <= item < len(self):
            raise IndexError(item)
        number = item * self.world + self.rank
        start, end = self.layout.cuts[0][number : number + 2].tolist()
        examples = self.layout.examples[start:end].astype("int64")
        share = share_of(self.split.lengths[examples], unit=self.target_unit, slices=1)
        return collate(self.split, examples, step=number, share=share)


def training_order(parts: DataParts, split: AnySplit) -> Order:
    """The order of training over a split."""
    layout = stored_layout(split, parts)
    return Order(layout, seed=parts.seed, shuffle=parts.config.batch.shuffle)


def training_loader(
    parts: DataParts,
    split: AnySplit,
    *,
    order: Order | None = None,
    start: int = 0,
    stop: int,
    num_slices: int = 1,
    rank: int = 0,
    world: int = 1,
    workers: int | None = None,
    pin: bool = False,
) -> Loader:
    """Slices of the global batches ``start`` to ``stop`` for one rank, in order."""
    order = order or training_order(parts, split)
    steps = MicroSteps(
        split,
        order,
        num_slices,
        rank,
        world,
        start,
        stop,
        tuple(parts.augments),
        parts.target_unit,
        parts.seed,
    )
    return Loader(steps, workers=parts.config.batch.workers if workers is None else workers, pin=pin)


def evaluation_loader(
    parts: DataParts,
    split: AnySplit,
    *,
    num_slices: int = 1,
    rank: int = 0,
    world: int = 1,
    workers: int | None = None,
    pin: bool = False,
) -> Loader:
    """Every example of a split once, in batches of the size of one training slice."""
    batch = parts.config.batch
    size = max(batch.size / num_slices, 1.0 if batch.unit == "examples" else 1e-9)
    layout = sorted_layout(
        split.lengths, batch.model_copy(update={"size": size}), frames_per_second=split.frames_per_second
    )
    steps = Evaluation(split, layout, parts.target_unit, rank, world)
    return Loader(steps, workers=parts.config.batch.workers if workers is None else workers, pin=pin)


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
        super().__init__(_Guarded(steps), batch_size=None, num_workers=workers, pin_memory=pin, **settings)
        self.waiting = Waiting()

    def __iter__(self) -> Iterator[Batch]:  # type: ignore[override]
        batches = self._named(super().__iter__)
        while True:
            begun = time.perf_counter()
            batch = next(batches, None)
            self.waiting.seconds += time.perf_counter() - begun
            if batch is None:
                return
            self.waiting.batches += 1
            yield batch

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
