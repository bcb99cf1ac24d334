"""The panel that a person at a terminal sees while a run trains, drawn by rich.

It is drawn when it is told to be: there is no thread of its own, so a run killed at any instant leaves a
usable terminal.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TextIO

from seqspec.runtime.report.numbers import shown

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

MOST_METRICS = 6
"""Metrics of a split that are shown."""
BLOCKS = "▁▂▃▄▅▆▇█"
HISTORY = 40
"""Losses that the curve shows."""


@dataclass(frozen=True)
class Progress:
    """How a run stands."""

    step: int
    total: int
    unit: str
    speed: float
    """Units a second."""
    waiting: float
    """Share of the time that was spent waiting for data."""
    left: str
    """Time that is left, such as ``1:02``."""
    loss: float | None = None


class LivePanel:
    """Progress, the curve of the loss and the newest evaluations, redrawn in place."""

    def __init__(self, out: TextIO, *, title: str = "", console: Console | None = None) -> None:
        from rich.console import Console
        from rich.live import Live

        self.title = title
        self.console = console or Console(file=out)
        self.losses: list[float] = []
        self.evaluations: dict[str, tuple[int, Mapping[str, float], Mapping[str, Mapping[str, float]]]] = {}
        self.progress: Progress | None = None
        self._live = Live(console=self.console, auto_refresh=False, transient=False)
        self._begun = False

    def show(self, progress: Progress) -> None:
        """Draw ``progress``."""
        self.progress = progress
        if progress.loss is not None and (not self.losses or self.losses[-1] != progress.loss):
            self.losses = [*self.losses, progress.loss][-HISTORY:]
        self._draw()

    def evaluated(
        self,
        step: int,
        split: str,
        metrics: Mapping[str, float],
        baselines: Mapping[str, Mapping[str, float]],
    ) -> None:
        """Draw what an evaluation found."""
        self.evaluations[split] = (step, metrics, baselines)
        self._draw()

    def finish(self) -> None:
        """Leave the panel as it stands, and the cursor below it."""
        if self._begun:
            self._live.stop()
            self._begun = False

    def _draw(self) -> None:
        if not self._begun:
            self._live.start()
            self.console.show_cursor(True)  # Nobody would show it again after `kill -9`.
            self._begun = True
        self._live.update(self.render(), refresh=True)

    def render(self) -> RenderableType:
        """The panel."""
        from rich.console import Group
        from rich.panel import Panel

        parts: list[RenderableType] = []
        if self.progress is not None:
            parts += [self._bar(self.progress), self._numbers(self.progress)]
        if self.evaluations:
            parts.append(self._table())
        return Panel(Group(*parts), title=self.title or None, title_align="left", padding=(0, 1))

    def _bar(self, progress: Progress) -> RenderableType:
        from rich.progress_bar import ProgressBar
        from rich.table import Table

        row = Table.grid(padding=(0, 1), expand=True)
        row.add_column(no_wrap=True)
        row.add_column(ratio=1)
        row.add_column(no_wrap=True, justify="right")
        told = f"step {progress.step:,} of {progress.total:,}"
        row.add_row(told, ProgressBar(progress.total, progress.step), f"{progress.left} left")
        return row

    def _numbers(self, progress: Progress) -> RenderableType:
        from rich.text import Text

        loss = f"loss {progress.loss:.4f} {curve(self.losses)}  " if progress.loss is not None else ""
        return Text(
            f"{loss}{progress.speed:,.0f} {progress.unit}/s  waiting for data {progress.waiting:.0%}",
            no_wrap=True,
            overflow="ellipsis",
        )

    def _table(self) -> RenderableType:
        from rich.table import Table

        table = Table(box=None, padding=(0, 2, 0, 0))
        for heading in ("split", "step", "metric", "", "baseline"):
            table.add_column(heading, justify="right" if heading in ("step", "", "baseline") else "left")
        for split, (step, metrics, baselines) in self.evaluations.items():
            for number, (name, value) in enumerate(main_metrics(metrics)):
                first = (split, f"{step:,}") if number == 0 else ("", "")
                table.add_row(*first, name, shown(name, value), baseline_of(name, baselines))
        return table


def main_metrics(metrics: Mapping[str, float]) -> list[tuple[str, float]]:
    """The metrics without the parts of one, such as ``wer_deletions`` beside ``wer``; no more than fit."""
    whole = [
        (name, value)
        for name, value in metrics.items()
        if not any(name.startswith((f"{other}_", f"{other}.")) for other in metrics)
    ]
    return whole[:MOST_METRICS]


def baseline_of(metric: str, baselines: Mapping[str, Mapping[str, float]]) -> str:
    """What the baselines score, such as ``majority 56.25 %``; empty where none has the metric."""
    told = [f"{name} {shown(metric, one[metric])}" for name, one in baselines.items() if metric in one]
    return ", ".join(told)


def curve(values: list[float]) -> str:
    """Numbers as a line of blocks, the largest the highest; those that are not finite are blanks."""
    finite = [value for value in values if value - value == 0]
    if len(finite) < 2 or max(finite) == min(finite):
        return ""
    low, span = min(finite), max(finite) - min(finite)
    return "".join(
        BLOCKS[int((value - low) / span * (len(BLOCKS) - 1))] if value - value == 0 else " "
        for value in values
    )
