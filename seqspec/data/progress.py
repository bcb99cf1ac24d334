"""Progress of long work: a bar on stderr for a person, a line now and then for a log, nothing where nobody
asked.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TextIO

Advance = Callable[[int], None]
Progress = Callable[[str, int | None], AbstractContextManager[Advance]]
"""``with progress("tokenising train", total) as advance: advance(n)``; the total is ``None`` where it is not
known.
"""

WIDTH = 24


@contextmanager
def silent(title: str, total: int | None) -> Iterator[Advance]:
    """Says nothing."""
    yield lambda count: None


@contextmanager
def bar(title: str, total: int | None) -> Iterator[Advance]:
    """A bar that is redrawn ten times a second on a terminal, and a line every ten seconds elsewhere."""
    drawing = _Drawing(title, total, sys.stderr)
    try:
        yield drawing.advance
    finally:
        drawing.finish()


class _Drawing:
    def __init__(self, title: str, total: int | None, out: TextIO) -> None:
        self.title, self.total, self.out = title, total, out
        self.done = 0
        self.started = time.monotonic()
        self.shown = self.started
        self.live = out.isatty()

    def advance(self, count: int) -> None:
        self.done += count
        now = time.monotonic()
        if now - self.shown >= (0.1 if self.live else 10.0):
            self.shown = now
            self._show(now, end="" if self.live else "\n")

    def finish(self) -> None:
        now = time.monotonic()
        if self.live or now - self.started >= 10.0:
            self._show(now, end="\n")

    def _show(self, now: float, *, end: str) -> None:
        seconds = max(now - self.started, 1e-9)
        rate = self.done / seconds
        parts = [self.title]
        if self.total:
            share = min(self.done / self.total, 1.0)
            parts.append(f"[{'#' * int(share * WIDTH):<{WIDTH}}] {share:4.0%}")
            parts.append(f"{self.done:,} of {self.total:,}")
            left = (self.total - self.done) / rate if rate else 0.0
            parts.append(f"{rate:,.0f}/s, {left:,.0f} s left" if left >= 1 else f"{rate:,.0f}/s")
        else:
            parts.append(f"{self.done:,} ({rate:,.0f}/s)")
        text = "  ".join(parts)
        self.out.write(f"\r{text}\x1b[K{end}" if self.live else text + end)
        self.out.flush()
