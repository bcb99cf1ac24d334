"""Pictures for the report, without any library: line charts as SVG, matrices as PNG."""

from __future__ import annotations

import base64
import html
import math
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 560, 230
LEFT, RIGHT, TOP, BOTTOM = 62, 12, 26, 30
COLOURS = ("#1f6feb", "#d1242f", "#1a7f37", "#9a6700", "#8250df", "#57606a")


@dataclass(frozen=True)
class Line:
    """One curve."""

    name: str
    points: Sequence[tuple[float, float]]


def chart(title: str, lines: Sequence[Line]) -> str:
    """An SVG with axes, ticks and a legend; points that are not finite are left out.  Empty where nothing is
    left.
    """
    kept = [Line(line.name, [p for p in line.points if all(map(math.isfinite, p))]) for line in lines]
    kept = [line for line in kept if line.points]
    if not kept:
        return ""
    xs = [x for line in kept for x, _ in line.points]
    ys = [y for line in kept for _, y in line.points]
    across, up = _Axis.over(xs, LEFT, WIDTH - RIGHT), _Axis.over(ys, HEIGHT - BOTTOM, TOP)
    parts = [
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img"><title>{html.escape(title)}</title>',
        f'<text x="{LEFT}" y="15" class="title">{html.escape(title)}</text>',
        *(_across(x, across) for x in across.ticks()),
        *(_up(y, up) for y in up.ticks()),
        *(_curve(line, COLOURS[i % len(COLOURS)], across, up) for i, line in enumerate(kept)),
        *(_legend(line.name, i, len(kept)) for i, line in enumerate(kept) if len(kept) > 1),
        "</svg>",
    ]
    return "".join(parts)


def picture(rows: Sequence[Sequence[float]]) -> str:
    """Values from 0 to 1 as a grey picture (dark is 1), in a data URI."""
    height, width = len(rows), len(rows[0])
    raw = b"".join(b"\0" + bytes(255 - round(255 * min(1.0, max(0.0, v))) for v in row) for row in rows)
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(raw, 9)), (b"IEND", b""))
    data = b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, body) for kind, body in chunks)
    return "data:image/png;base64," + base64.b64encode(data).decode()


@dataclass(frozen=True)
class _Axis:
    low: float
    high: float
    start: float
    end: float

    @classmethod
    def over(cls, values: Sequence[float], start: float, end: float) -> _Axis:
        low, high = min(values), max(values)
        margin = (high - low) * 0.04 or abs(high) * 0.1 or 1.0
        return cls(low - margin, high + margin, start, end)

    def place(self, value: float) -> float:
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)

    def ticks(self) -> list[float]:
        """Four to eight round numbers."""
        rough = (self.high - self.low) / 5
        unit = 10.0 ** math.floor(math.log10(rough))
        step = next(factor * unit for factor in (1, 2, 5, 10) if factor * unit >= rough)
        first = math.ceil(self.low / step)
        return [number * step for number in range(first, math.floor(self.high / step) + 1)]


def _across(x: float, axis: _Axis) -> str:
    at = axis.place(x)
    return (
        f'<line x1="{at:.1f}" x2="{at:.1f}" y1="{TOP}" y2="{HEIGHT - BOTTOM}" class="grid"/>'
        f'<text x="{at:.1f}" y="{HEIGHT - 12}" text-anchor="middle">{_number(x)}</text>'
    )


def _up(y: float, axis: _Axis) -> str:
    at = axis.place(y)
    return (
        f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{at:.1f}" y2="{at:.1f}" class="grid"/>'
        f'<text x="{LEFT - 6}" y="{at + 4:.1f}" text-anchor="end">{_number(y)}</text>'
    )


def _curve(line: Line, colour: str, across: _Axis, up: _Axis) -> str:
    places = " ".join(f"{across.place(x):.1f},{up.place(y):.1f}" for x, y in line.points)
    if len(line.points) == 1:
        x, y = places.split(",")
        return f'<circle cx="{x}" cy="{y}" r="3" fill="{colour}"/>'
    return f'<polyline points="{places}" fill="none" stroke="{colour}" stroke-width="1.6"/>'


def _legend(name: str, number: int, count: int) -> str:
    x = WIDTH - RIGHT - (count - number) * 110
    colour = COLOURS[number % len(COLOURS)]
    return f'<text x="{x}" y="15" fill="{colour}">{html.escape(name[:16])}</text>'


def _number(value: float) -> str:
    if value and (abs(value) < 1e-3 or abs(value) >= 1e6):
        return f"{value:.0e}".replace("e-0", "e-").replace("e+0", "e")
    return f"{value:,.4f}".rstrip("0").rstrip(".")


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
