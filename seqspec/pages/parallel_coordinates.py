"""Parallel coordinates: one line a point through upright axes, one axis a dimension (Inselberg 1985, "The
Plane with Parallel Coordinates").
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from seqspec.pages.bars import figure
from seqspec.pages.chart import LETTER
from seqspec.pages.markup import Markup, escape, shortened

HEIGHT, TOP, BOTTOM, MARGIN = 260, 40, 24, 60
APART = 150
"""Between two axes, in units of the drawing."""
LONGEST = 22
"""Letters of an axis's name."""


@dataclass(frozen=True)
class Upright:
    """One axis: its name, and labels at places of the unit interval."""

    name: str
    labels: Sequence[tuple[float, str]]


@dataclass(frozen=True)
class Thread:
    """One point: its place on each axis, in the unit interval, and how good it is, 1 the best."""

    name: str
    places: Sequence[float]
    good: float


def parallel_coordinates(title: str, axes: Sequence[Upright], threads: Sequence[Thread]) -> Markup:
    """A figure in which the best threads are drawn last and strongest; hovering names them."""
    if not threads:
        return Markup("")
    width = 2 * MARGIN + APART * max(len(axes) - 1, 1)
    drawn = "".join(map(_thread, sorted(threads, key=lambda one: one.good)))
    upright = "".join(_axis(one, MARGIN + APART * at) for at, one in enumerate(axes))
    return figure(
        title,
        f'<svg viewBox="0 0 {width} {HEIGHT}" style="width:{width}px;max-width:none" role="img" '
        f'aria-label="{escape(title)}">{drawn}{upright}</svg>',
    )


def _y(place: float) -> float:
    return HEIGHT - BOTTOM - place * (HEIGHT - TOP - BOTTOM)


def _thread(one: Thread) -> str:
    points = " ".join(f"{MARGIN + APART * at},{_y(place):.1f}" for at, place in enumerate(one.places))
    ink = "var(--c1)" if one.good >= 1 else "var(--c0)"
    return (
        f'<polyline points="{points}" fill="none" stroke="{ink}" stroke-width="{1 + 1.5 * one.good:.2f}" '
        f'opacity="{0.2 + 0.8 * one.good**2:.2f}"><title>{escape(one.name)}</title></polyline>'
    )


def _axis(one: Upright, x: float) -> str:
    labels = "".join(
        f'<text x="{x + 5}" y="{_y(place) + 4:.1f}" text-anchor="start">{escape(shortened(text, 14))}</text>'
        for place, text in one.labels
    )
    name = one.name if len(one.name) <= LONGEST else f"…{one.name[1 - LONGEST :]}"
    middle = max(x, LETTER * len(name) / 2)
    return (
        f'<line x1="{x}" x2="{x}" y1="{TOP}" y2="{HEIGHT - BOTTOM}" class="grid"/>{labels}'
        f'<text x="{middle:.1f}" y="16" text-anchor="middle">{escape(name)}'
        f"<title>{escape(one.name)}</title></text>"
    )
