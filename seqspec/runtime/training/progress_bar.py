"""The training bar on stderr: loss, units a second, share of time waiting for data, time left."""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Iterable, Iterator
from typing import Any, TextIO

import torch

from seqspec.data.batching.batch import Batch

WIDTH = 20


class Timed:
    """A loader that knows how long it was waited for, and what it gave."""

    def __init__(self, loader: Iterable[Batch], *, length: int) -> None:
        self.loader = loader
        self.length = length
        self.waited = 0.0
        self.units = 0
        self.examples = 0
        self.cells = self.real = 0
        """Places of the batches, and those that are no padding."""

    def __len__(self) -> int:
        return self.length

    def __iter__(self) -> Iterator[Batch]:
        batches = iter(self.loader)
        while True:
            started = time.perf_counter()
            try:
                batch = next(batches)
            except StopIteration:
                return
            self.waited += time.perf_counter() - started
            self.units += _units(batch)
            self.examples += len(batch.index)
            cells, real = _filled(batch)
            self.cells += cells
            self.real += real
            yield batch


class Bar:
    """Redrawn a few times a second on a terminal; a line now and then in a log."""

    def __init__(
        self, *, total: int, unit: str, timed: Timed, out: TextIO = sys.stderr, quiet: bool = False
    ) -> None:
        self.total, self.unit, self.timed, self.out, self.quiet = total, unit, timed, out, quiet
        self.started = self.shown = self.marked = time.perf_counter()
        self.first: int | None = None
        self.marks = (0, 0, 0.0)
        self.loss = float("nan")
        self.live = out.isatty()

    def update(self, step: int, loss: float | None = None) -> None:
        """After every optimiser step."""
        now = time.perf_counter()
        if self.first is None:
            self.first = step - 1
        if loss is not None:
            self.loss = loss
        if not self.quiet and (step == self.total or now - self.shown >= (0.2 if self.live else 15.0)):
            self.shown = now
            self._show(step, now)

    def speed(self) -> dict[str, Any]:
        """Rates since the last call, for ``speed.jsonl``."""
        now = time.perf_counter()
        units, examples, waited = self.marks
        seconds = max(now - self.marked, 1e-9)
        found = {
            "seconds": round(now - self.started, 3),
            f"{self.unit}_per_second": round((self.timed.units - units) / seconds, 1),
            "examples_per_second": round((self.timed.examples - examples) / seconds, 2),
            "waiting": round((self.timed.waited - waited) / seconds, 4),
            "padding": round(1 - self.timed.real / self.timed.cells, 4) if self.timed.cells else 0.0,
            **peak_memory(),
        }
        self.marks = (self.timed.units, self.timed.examples, self.timed.waited)
        self.marked = now
        return found

    def finish(self) -> None:
        if self.live and not self.quiet and self.first is not None:
            self.out.write("\n")

    def _show(self, step: int, now: float) -> None:
        seconds = max(now - self.started, 1e-9)
        done = step - (self.first or 0)
        left = (self.total - step) * seconds / max(done, 1)
        share = step / self.total
        loss = f"loss {self.loss:.4f}  " if self.loss == self.loss else ""
        text = (
            f"step {step:,} of {self.total:,}  [{'#' * int(share * WIDTH):<{WIDTH}}]  {loss}"
            f"{self.timed.units / seconds:,.0f} {self.unit}/s  "
            f"waiting for data {self.timed.waited / seconds:.0%}  {_clock(left)} left"
        )
        self.out.write(f"\r{text}\x1b[K" if self.live else text + "\n")
        self.out.flush()


def peak_memory() -> dict[str, int]:
    """The most that this process has held so far, in MB: of the machine's memory and, if it uses one, of its
    GPU's.
    """
    per_mb = 1024 if sys.platform != "darwin" else 1 << 20
    found = {"peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // per_mb}
    if torch.cuda.is_initialized():
        found["peak_gpu_mb"] = torch.cuda.max_memory_allocated() >> 20
    return found


def _units(batch: Batch) -> int:
    source, target = batch.fields.get("source"), batch.fields.get("target")
    if source is not None and source.lengths is not None and source.values.ndim == 3:
        return int(source.lengths.sum())
    if target is not None and target.lengths is not None:
        return int(target.lengths.sum())
    return len(batch.index)


def _filled(batch: Batch) -> tuple[int, int]:
    """Places of every field, and how many of them hold something."""
    cells = real = 0
    for values, lengths in batch.fields.values():
        if lengths is not None:
            cells += values.shape[0] * values.shape[1]
            real += int(lengths.sum())
    return cells, real


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
