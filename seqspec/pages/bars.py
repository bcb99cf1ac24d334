"""Bars, histograms and what is drawn of proportions, as SVG in the colours of the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from seqspec.pages.chart import COLOURS, number, swatch, ticks
from seqspec.pages.markup import Markup, cell, escape, table

WIDTH, HEIGHT, LEFT, TOP, BOTTOM = 420, 170, 40, 10, 24


def figure(title: str, body: str, *, names: Sequence[str] = ()) -> Markup:
    """A drawing under its title, with a legend where several series are drawn."""
    legend = "".join(f"<li>{swatch(i)}{escape(name)}</li>" for i, name in enumerate(names))
    below = f'<ul class="legend">{legend}</ul>' if legend else ""
    return Markup(f'<figure class="drawing"><figcaption>{escape(title)}</figcaption>{body}{below}</figure>')


def histogram(title: str, *, start: float, width: float, series: Mapping[str, Sequence[int]]) -> Markup:
    """The share of each series in each bin, so that splits of any size compare."""
    shares = {name: [count / max(sum(counts), 1) for count in counts] for name, counts in series.items()}
    bins = max((_used(one) for one in shares.values()), default=1) or 1
    shares = {name: one[:bins] for name, one in shares.items()}
    top = max((max(one, default=0) for one in shares.values()), default=0) or 1.0
    drawn = "".join(_steps(one, bins, top, i) for i, one in enumerate(shares.values()))
    axes = _shares(top) + _bins(bins, start, width)
    return figure(title, _svg(title, axes + drawn), names=list(series) if len(series) > 1 else ())


def bars(title: str, values: Mapping[str, float]) -> Markup:
    """One bar a name, as a table: names of any length and script have room."""
    top = max(values.values(), default=0) or 1.0
    rows = [(name, value, _bar(value / top)) for name, value in values.items()]
    return figure(title, table(("", "", ""), rows))


def reliability(title: str, bins: Sequence[tuple[float, float, int]]) -> Markup:
    """Accuracy over confidence: ``bins`` of (mean confidence, accuracy, examples); on the dashed line they
    agree.
    """
    side, low = 290, 44
    size = side - low - 10

    def x(share: float) -> float:
        return low + share * size

    def y(share: float) -> float:
        return 10 + (1 - share) * size

    most = max((count for _, _, count in bins), default=1)
    marks = "".join(
        f'<circle cx="{x(confidence):.1f}" cy="{y(accuracy):.1f}" r="{3 + 6 * (count / most) ** 0.5:.1f}" '
        f'fill="var(--c0)" fill-opacity=".75"><title>{count:,} examples: confidence {confidence:.1%}, '
        f"right {accuracy:.1%}</title></circle>"
        for confidence, accuracy, count in bins
    )
    grid = "".join(
        f'<line x1="{x(0)}" x2="{x(1)}" y1="{y(t)}" y2="{y(t)}" class="grid"/>'
        f'<text x="{low - 4}" y="{y(t) + 4}" text-anchor="end">{t:.0%}</text>'
        f'<text x="{x(t)}" y="{y(0) + 18}" text-anchor="middle">{t:.0%}</text>'
        for t in (0, 0.5, 1)
    )
    guide = f'<line x1="{x(0)}" y1="{y(0)}" x2="{x(1)}" y2="{y(1)}" class="guide"/>'
    svg = (
        f'<svg viewBox="0 0 {side + 20} {side - 18}" style="max-width:20rem" role="img" '
        f'aria-label="{escape(title)}">{grid}{guide}{marks}</svg>'
    )
    return figure(title, svg)


def _used(shares: Sequence[float]) -> int:
    """Bins up to the last that holds anything."""
    return max((place for place, share in enumerate(shares, 1) if share), default=0)


def _bar(share: float) -> Markup:
    return Markup(
        '<svg viewBox="0 0 100 10" style="width:9rem;height:.8rem" preserveAspectRatio="none" '
        'aria-hidden="true">'
        f'<rect width="{100 * max(share, 0):.1f}" height="10" fill="var(--c0)"/></svg>'
    )


def _steps(shares: Sequence[float], bins: int, top: float, series: int) -> str:
    wide, base = (WIDTH - LEFT) / bins, HEIGHT - BOTTOM
    points = [f"{LEFT},{base}"]
    for place, share in enumerate(shares):
        y = base - share / top * (base - TOP)
        points += [f"{LEFT + place * wide:.1f},{y:.1f}", f"{LEFT + (place + 1) * wide:.1f},{y:.1f}"]
    points.append(f"{LEFT + len(shares) * wide:.1f},{base}")
    ink = f"var(--c{series % COLOURS})"
    return f'<polygon points="{" ".join(points)}" fill="{ink}" fill-opacity=".1" stroke="{ink}"/>'


def _shares(top: float) -> str:
    base = HEIGHT - BOTTOM
    lines = []
    for share in ticks(0.0, top):
        y = base - share / top * (base - TOP)
        label = f"{share:.0%}" if top > 0.05 else f"{share:.1%}"
        lines.append(
            f'<line x1="{LEFT}" x2="{WIDTH}" y1="{y:.1f}" y2="{y:.1f}" class="grid"/>'
            f'<text x="{LEFT - 6}" y="{min(y + 4, base):.1f}" text-anchor="end">{label}</text>'
        )
    return "".join(lines)


def _bins(bins: int, start: float, width: float) -> str:
    step = max(1, bins // 6)
    labels = []
    for place in range(0, bins + 1, step):
        text = (
            number(start + place * width) if abs(start + place * width) < 1e5 else cell(start + place * width)
        )
        x = LEFT + place * (WIDTH - LEFT) / bins
        half = 3.2 * len(text)
        labels.append(
            f'<text x="{min(x, WIDTH - half):.1f}" y="{HEIGHT - 7}" text-anchor="middle">{text}</text>'
        )
    return "".join(labels)


def _svg(title: str, inside: str) -> str:
    return f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}">{inside}</svg>'
