"""Curves: drawn as SVG, so that a page without scripts shows them, with the numbers beside for the charting
library (uPlot, MIT) to make them interactive.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass

from seqspec.pages.markup import Markup, escape

WIDTH, HEIGHT = 480, 220
RIGHT, TOP, BOTTOM = 16, 10, 24
COLOURS = 6
MOST_POINTS = 800
"""Of a curve; of a longer one the lowest and highest values of equal stretches are kept."""
LETTER = 6.4
"""Width of a digit in an axis label, in units of the drawing."""

Points = Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Line:
    """One curve."""

    name: str
    points: Points


def chart(title: str, lines: Sequence[Line], *, across: str = "step", log: bool = False) -> Markup:
    """A figure with axes, a legend and the numbers; points that are not finite are left out.

    ``across`` names the horizontal axis; ``log`` begins with a logarithmic vertical one.  Empty where nothing
    is left.
    """
    kept = [Line(line.name, thinned(_finite(line.points))) for line in lines]
    kept = [line for line in kept if line.points]
    if not kept:
        return Markup("")
    legend = "".join(f"<li>{swatch(i)}{escape(line.name)}</li>" for i, line in enumerate(kept))
    return Markup(
        f'<figure class="chart"><figcaption>{escape(title)}</figcaption>'
        f'<div class="plot">{_drawing(title, kept)}</div><ul class="legend">{legend}</ul>'
        f'<script type="application/json">{_numbers(kept, across, log)}</script></figure>'
    )


def swatch(number: int) -> Markup:
    """The colour of the curve ``number`` in a legend."""
    return Markup(f'<span class="swatch" style="--colour:var(--c{number % COLOURS})"></span>')


def thinned(points: Points, most: int = MOST_POINTS) -> Points:
    """At most about ``most`` points that look like all of them: the first, lowest and highest of each
    stretch.
    """
    if len(points) <= most:
        return points
    size = math.ceil(len(points) * 3 / most)
    found: list[tuple[float, float]] = []
    for start in range(0, len(points), size):
        stretch = points[start : start + size]
        wanted = {
            stretch[0],
            min(stretch, key=lambda point: point[1]),
            max(stretch, key=lambda point: point[1]),
        }
        found += sorted(wanted)
    return [*found, points[-1]] if found[-1] != points[-1] else found


def number(value: float) -> str:
    """An axis label."""
    if value and (abs(value) < 1e-3 or abs(value) >= 1e6):
        return f"{value:.2e}".replace(".00e", "e").replace("e-0", "e-").replace("e+0", "e")
    return f"{value:,.4f}".rstrip("0").rstrip(".")


def ticks(low: float, high: float) -> list[float]:
    """Four to eight round numbers from ``low`` to ``high``."""
    rough = (high - low) / 5
    unit = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * unit for factor in (1, 2, 5, 10) if factor * unit >= rough * (1 - 1e-9))
    first = math.ceil(low / step - 1e-9)
    return [count * step for count in range(first, math.floor(high / step + 1e-9) + 1)]


@dataclass(frozen=True)
class _Axis:
    low: float
    high: float
    start: float
    end: float

    def place(self, value: float) -> float:
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)


def _finite(points: Points) -> Points:
    return [point for point in points if all(map(math.isfinite, point))]


def _drawing(title: str, lines: Sequence[Line]) -> str:
    xs = [x for line in lines for x, _ in line.points]
    ys = [y for line in lines for _, y in line.points]
    bottom, top = _range(ys)
    labels = {y: number(y) for y in ticks(bottom, top)}
    left = 12 + LETTER * max(map(len, labels.values()), default=1)
    across = _Axis(*_range(xs), left, WIDTH - RIGHT)
    up = _Axis(bottom, top, HEIGHT - BOTTOM, TOP)
    parts = [
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}">',
        *(_across(x, across, left) for x in ticks(across.low, across.high)),
        *(_up(y, label, up, left) for y, label in labels.items()),
        *(_curve(line, i, across, up) for i, line in enumerate(lines)),
        "</svg>",
    ]
    return "".join(parts)


def _range(values: Sequence[float]) -> tuple[float, float]:
    low, high = min(values), max(values)
    margin = (high - low) * 0.04 or abs(high) * 0.1 or 1.0
    return low - margin, high + margin


def _across(x: float, axis: _Axis, left: float) -> str:
    at, text = axis.place(x), number(x)
    half = LETTER * len(text) / 2
    middle = min(max(at, left - 8 + half), WIDTH - half)
    return (
        f'<line x1="{at:.1f}" x2="{at:.1f}" y1="{TOP}" y2="{HEIGHT - BOTTOM}" class="grid"/>'
        f'<text x="{middle:.1f}" y="{HEIGHT - 8}" text-anchor="middle">{text}</text>'
    )


def _up(y: float, label: str, axis: _Axis, left: float) -> str:
    at = axis.place(y)
    return (
        f'<line x1="{left:.1f}" x2="{WIDTH - RIGHT}" y1="{at:.1f}" y2="{at:.1f}" class="grid"/>'
        f'<text x="{left - 6:.1f}" y="{min(max(at + 4, 12), HEIGHT - BOTTOM):.1f}" text-anchor="end">'
        f"{label}</text>"
    )


def _curve(line: Line, colour: int, across: _Axis, up: _Axis) -> str:
    ink = f"var(--c{colour % COLOURS})"
    places = " ".join(f"{across.place(x):.1f},{up.place(y):.1f}" for x, y in line.points)
    if len(line.points) == 1:
        x, y = places.split(",")
        return f'<circle cx="{x}" cy="{y}" r="3" fill="{ink}"/>'
    return f'<polyline points="{places}" fill="none" stroke="{ink}" stroke-width="1.6"/>'


def _numbers(lines: Sequence[Line], across: str, log: bool) -> str:
    """The curves over one axis, as the library takes them; safe inside a script element."""
    places = sorted({x for line in lines for x, _ in line.points})
    series = []
    for line in lines:
        held = dict(line.points)
        series.append({"name": line.name, "y": [_short(held.get(x)) for x in places]})
    data = {"across": across, "x": [_short(x) for x in places], "series": series, "log": log}
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _short(value: float | None) -> float | None:
    """Six digits are more than a screen shows."""
    if value is None or isinstance(value, int):
        return value
    return float(f"{value:.6g}")
