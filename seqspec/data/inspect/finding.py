"""What a check finds: a verdict, a sentence, numbers, examples and a figure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

Verdict = Literal["error", "warn", "info", "ok", "accepted"]
VERDICTS: tuple[Verdict, ...] = ("error", "warn", "info", "ok", "accepted")

Number = int | float
Cell = str | Number


@dataclass(frozen=True)
class Histogram:
    """Counts of values in equal bins, one series a split."""

    title: str
    start: float
    width: float
    series: Mapping[str, Sequence[int]]


@dataclass(frozen=True)
class Bars:
    """One bar a name."""

    title: str
    values: Mapping[str, float]


@dataclass(frozen=True)
class Table:
    """Rows of text or numbers under headings."""

    title: str
    head: Sequence[str]
    rows: Sequence[Sequence[Cell]]


@dataclass(frozen=True)
class Medium:
    """A recording or an image, encoded."""

    caption: str
    data: bytes
    kind: Literal["audio/wav", "image/png", "image/svg+xml"]


@dataclass(frozen=True)
class Gallery:
    """Recordings to hear or images to see."""

    title: str
    items: Sequence[Medium]


Figure = Histogram | Bars | Table | Gallery


@dataclass(frozen=True)
class Finding:
    """One answer of one check."""

    check: str
    """``D01`` to ``D22``."""
    verdict: Verdict
    message: str
    """One sentence with the figures in it."""
    advice: str = ""
    """What to do, where something is to be done."""
    numbers: Mapping[str, Cell] = field(default_factory=dict)
    examples: Sequence[str] = ()
    figures: Sequence[Figure] = ()
