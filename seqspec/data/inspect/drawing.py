"""Figures as inline SVG and HTML: no script, no font, no file beside the page."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence

from seqspec.data.inspect.finding import Bars, Cell, Figure, Histogram, Table
from seqspec.data.inspect.text_report import visible

WIDTH, HEIGHT, LEFT, BOTTOM = 560, 170, 54, 26
PALETTE = ("#2b6cb0", "#dd6b20", "#2f855a", "#805ad5", "#b83280")
BAR = 18


def draw(figure: Figure) -> str:
    """The figure with its title."""
    match figure:
        case Histogram():
            body = _histogram(figure)
        case Bars():
            body = _bars(figure)
        case Table():
            body = _table(figure)
    return f"<figure><figcaption>{escape(figure.title)}</figcaption>{body}</figure>"


def escape(value: object) -> str:
    """Safe in HTML, with what cannot be seen made visible."""
    return html.escape(visible(str(value)))


def shown(value: Cell) -> str:
    """A number for people, or text as it is."""
    match value:
        case int():
            return f"{value:,}"
        case float():
            return f"{value:,.4g}"
    return escape(value)


def _histogram(figure: Histogram) -> str:
    """Steps of the share of each series in each bin, so that splits of any size compare."""
    series = {
        name: [count / max(sum(counts), 1) for count in counts] for name, counts in figure.series.items()
    }
    bins = max((len(shares) for shares in series.values()), default=1)
    top = max((max(shares, default=0) for shares in series.values()), default=0) or 1.0
    paths = "".join(
        _steps(shares, bins, top, PALETTE[number % len(PALETTE)])
        for number, shares in enumerate(series.values())
    )
    return _svg(HEIGHT, paths + _axis(figure, bins, top) + _legend(series))


def _steps(shares: Sequence[float], bins: int, top: float, color: str) -> str:
    width = (WIDTH - LEFT) / bins
    points = []
    for number, share in enumerate(shares):
        y = HEIGHT - BOTTOM - share / top * (HEIGHT - BOTTOM - 22)
        points += [f"{LEFT + number * width:.1f},{y:.1f}", f"{LEFT + (number + 1) * width:.1f},{y:.1f}"]
    base = HEIGHT - BOTTOM
    outline = f"{LEFT},{base} {' '.join(points)} {LEFT + len(shares) * width:.1f},{base}"
    return f'<polygon points="{outline}" fill="{color}" fill-opacity="0.18" stroke="{color}"/>'


def _axis(figure: Histogram, bins: int, top: float) -> str:
    base = HEIGHT - BOTTOM
    parts = [f'<line x1="{LEFT}" y1="{base}" x2="{WIDTH}" y2="{base}" stroke="#888"/>']
    for tick in range(0, bins + 1, max(1, bins // 5)):
        x = LEFT + tick * (WIDTH - LEFT) / bins
        value = figure.start + tick * figure.width
        parts.append(f'<text x="{x:.1f}" y="{base + 16}" text-anchor="middle">{value:,.4g}</text>')
    parts.append(f'<text x="{LEFT - 6}" y="{base}" text-anchor="end">0</text>')
    parts.append(f'<text x="{LEFT - 6}" y="30" text-anchor="end">{top:.1%}</text>')
    return "".join(parts)


def _legend(names: Mapping[str, object]) -> str:
    parts, x = [], LEFT
    for number, name in enumerate(names):
        color = PALETTE[number % len(PALETTE)]
        parts.append(f'<rect x="{x}" y="4" width="10" height="10" fill="{color}"/>')
        parts.append(f'<text x="{x + 14}" y="13">{escape(name)}</text>')
        x += 34 + 8 * len(name)
    return "".join(parts)


def _bars(figure: Bars) -> str:
    top = max(figure.values.values(), default=0) or 1.0
    parts = []
    for number, (name, value) in enumerate(figure.values.items()):
        y = number * BAR
        length = value / top * (WIDTH - 260)
        parts.append(f'<text x="150" y="{y + 13}" text-anchor="end">{escape(name[:24])}</text>')
        parts.append(
            f'<rect x="156" y="{y + 2}" width="{length:.1f}" height="{BAR - 5}" fill="{PALETTE[0]}"/>'
        )
        parts.append(f'<text x="{162 + length:.1f}" y="{y + 13}">{shown(value)}</text>')
    return _svg(max(BAR * len(figure.values), BAR), "".join(parts))


def _svg(height: int, inside: str) -> str:
    return (
        f'<svg viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" role="img" '
        f'font-family="sans-serif" font-size="11" fill="currentColor">{inside}</svg>'
    )


def _table(figure: Table) -> str:
    head = "".join(f"<th>{escape(name)}</th>" for name in figure.head)
    rows = "".join(f"<tr>{''.join(_cell(cell) for cell in row)}</tr>" for row in figure.rows)
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>'


def _cell(cell: Cell) -> str:
    kind = "" if isinstance(cell, str) else ' class="number"'
    return f"<td{kind}>{shown(cell)}</td>"
