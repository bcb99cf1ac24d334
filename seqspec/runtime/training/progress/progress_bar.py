"""Progress of training on stderr: a panel at a terminal, plain lines in a log.

Loss, units a second, share of the time waiting for data, time left, and what evaluations found.
"""

from __future__ import annotations

import os
import resource
import sys
import time
from collections.abc import Generator, Iterable, Mapping
from typing import Any, TextIO

import torch
from torch import Tensor

from seqspec.data.batching.batch import Batch
from seqspec.runtime.report.numbers import shown
from seqspec.runtime.training.progress.live_panel import LivePanel, Progress, baseline_of, main_metrics

WIDTH = 20
SECONDS_LIVE, SECONDS_LOG = 0.5, 15.0
"""How often progress is shown."""


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

    def __iter__(self) -> Generator[Batch, None, None]:
        batches = iter(self.loader)
        while True:
            started = time.perf_counter()
            try:
                batch = next(batches)
            except StopIteration:
                return
            self.waited += time.perf_counter() - started
            self._count(batch)
            yield batch

    def _count(self, batch: Batch) -> None:
        sums: dict[int, int] = {}  # fields may share their lengths
        real = {name: _sum(field.lengths, sums) for name, field in batch.fields.items()}
        self.units += _units(batch, real)
        self.examples += len(batch.index)
        for name, (values, lengths) in batch.fields.items():
            if lengths is not None:
                self.cells += values.shape[0] * values.shape[1]
                self.real += real[name]


class Bar:
    """A panel at a terminal; a line now and then in a log, and one for each evaluation."""

    def __init__(
        self,
        *,
        total: int,
        unit: str,
        timed: Timed,
        out: TextIO | None = None,
        quiet: bool = False,
        title: str = "",
    ) -> None:
        out = sys.stderr if out is None else out
        self.total, self.unit, self.timed, self.out, self.quiet = total, unit, timed, out, quiet
        self.started = self.shown = self.marked = time.perf_counter()
        self.first: int | None = None
        self.marks = (0, 0, 0.0)
        self.loss = float("nan")
        live = out.isatty() and not quiet and os.environ.get("TERM") != "dumb"
        self.panel = LivePanel(out, title=title) if live else None

    def update(self, step: int, loss: float | None = None) -> None:
        """After every optimiser step."""
        now = time.perf_counter()
        if self.first is None:
            self.first = step - 1
        if loss is not None:
            self.loss = loss
        period = SECONDS_LOG if self.panel is None else SECONDS_LIVE
        if not self.quiet and (step == self.total or now - self.shown >= period):
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

    def evaluated(
        self,
        step: int,
        split: str,
        metrics: Mapping[str, float],
        baselines: Mapping[str, Mapping[str, float]],
    ) -> None:
        """What an evaluation while training found: rows of the panel, or one line."""
        if self.panel is not None:
            self.panel.evaluated(step, split, metrics, baselines)
        elif not self.quiet:
            told = ", ".join(
                f"{name} {shown(name, value)}" + (f" ({beside})" if beside else "")
                for name, value in main_metrics(metrics)
                for beside in [baseline_of(name, baselines)]
            )
            self.out.write(f"step {step:,}: {split} {told}\n")
            self.out.flush()

    def finish(self) -> None:
        """Leave what is shown as it stands."""
        if self.panel is not None:
            self.panel.finish()

    def _show(self, step: int, now: float) -> None:
        seconds = max(now - self.started, 1e-9)
        done = step - (self.first or 0)
        left = (self.total - step) * seconds / max(done, 1)
        share = step / self.total
        waiting, speed = self.timed.waited / seconds, self.timed.units / seconds
        if self.panel is not None:
            known = self.loss if self.loss == self.loss else None
            self.panel.show(Progress(step, self.total, self.unit, speed, waiting, _clock(left), known))
            return
        loss = f"loss {self.loss:.4f}  " if self.loss == self.loss else ""
        text = (
            f"step {step:,} of {self.total:,}  [{'#' * int(share * WIDTH):<{WIDTH}}]  {loss}"
            f"{speed:,.0f} {self.unit}/s  waiting for data {waiting:.0%}  {_clock(left)} left"
        )
        self.out.write(text + "\n")
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


def _sum(lengths: Tensor | None, known: dict[int, int]) -> int:
    if lengths is None:
        return 0
    if id(lengths) not in known:
        known[id(lengths)] = int(lengths.sum())
    return known[id(lengths)]


def _units(batch: Batch, real: Mapping[str, int]) -> int:
    """``real``: places of each field that are no padding."""
    source, target = batch.fields.get("source"), batch.fields.get("target")
    if source is not None and source.lengths is not None and source.values.ndim == 3:
        return real["source"]
    if target is not None and target.lengths is not None:
        return real["target"]
    return len(batch.index)


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
