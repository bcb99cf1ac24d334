"""A set of points as a drawing (SVG) for light and dark: seen along two axes, a colour for each class."""

# N points, P points that are drawn

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST_POINTS = 1_024
"""Points of a set that are drawn, evenly chosen from all of them."""
BANDS = 3
"""Steps from far, which is faint, to near."""
_SIDE, _LEGEND = 400, 40
"""Units of the drawing that a view and the line below it take."""
_VIEWS = ((0, 1, 2), (0, 2, 1))
"""Which coordinate goes to the right, which up, and which one towards the eye: with either of two customs of
which is up, one view is from the front and the other from above.
"""
LIGHT = ("#0969da", "#c2410c", "#15803d", "#7e22ce", "#a16207", "#be185d")
DARK = ("#58a6ff", "#ff9248", "#56d364", "#d2a8ff", "#e3b341", "#ff8cc3")
"""As in ``static/page.css``, which a drawing that is a file of its own cannot read."""


def cloud_svg(points_NC: NDArray[np.floating], classes_N: NDArray[np.integer] | None = None) -> bytes:
    """The first three numbers of a point are its place; the colours of ``classes_N`` are named below."""
    count = min(len(points_NC), MOST_POINTS)
    drawn_P = np.arange(count) * len(points_NC) // max(count, 1)
    places_P3 = _fitted(np.asarray(points_NC, np.float64)[drawn_P, :3])
    classes_P = np.zeros(count, np.int64) if classes_N is None else np.asarray(classes_N, np.int64)[drawn_P]
    kinds = [] if classes_N is None else np.unique(classes_N).tolist()
    width, height = 2 * _SIDE, _SIDE + (_LEGEND if kinds else 0)
    lines = [
        '<svg xmlns="http://www.w3.org/2000/svg" '
        f'viewBox="0 0 {width} {height}" width="{width}" height="{height}">{_style(count)}'
    ]
    for number, axes in enumerate(_VIEWS):
        lines += _view(places_P3, classes_P, axes, left=number * _SIDE)
    return "".join([*lines, *_legend(kinds), "</svg>\n"]).encode()


def _fitted(places_P3: NDArray[np.float64]) -> NDArray[np.float64]:
    """About the middle of their box, so that its longest side fits into a view and leaves a margin."""
    if not len(places_P3):
        return places_P3
    low, high = places_P3.min(0), places_P3.max(0)
    fitted_P3: NDArray[np.float64] = (places_P3 - (low + high) / 2) / ((high - low).max() or 1.0)
    return fitted_P3 * (_SIDE * 0.9)


def _view(
    places_P3: NDArray[np.float64], classes_P: NDArray[np.int64], axes: tuple[int, int, int], *, left: int
) -> Iterator[str]:
    """Paths of dots, far ones first."""
    across, up, near = axes
    x_P = (places_P3[:, across] + left + _SIDE / 2).round().astype(int)
    y_P = (_SIDE / 2 - places_P3[:, up]).round().astype(int)
    for band, rows in enumerate(np.array_split(np.argsort(places_P3[:, near], kind="stable"), BANDS)):
        for kind in np.unique(classes_P[rows]).tolist():
            dots = "".join(f"M{x_P[row]} {y_P[row]}h0" for row in rows[classes_P[rows] == kind])
            yield f'<path class="p{_colour(kind)} b{band}" d="{dots}"/>'


def _legend(kinds: list[int]) -> Iterator[str]:
    """The number of each class beside a dot of its colour."""
    step = min(2 * _SIDE // max(len(kinds), 1), 100)
    for place, kind in enumerate(kinds):
        x, y = 20 + place * step, _SIDE + _LEGEND // 2
        yield f'<path class="p{_colour(kind)} k" d="M{x} {y}h0"/><text x="{x + 16}" y="{y + 8}">{kind}</text>'


def _style(count: int) -> str:
    """Dots of fewer points are larger."""
    dot = min(max(round(160 / max(count, 1) ** 0.5), 5), 14)
    bands = "".join(
        f".b{band}{{stroke-opacity:{(band + 1) / BANDS:.2f};stroke-width:{dot + band}}}"
        for band in range(BANDS)
    )
    return (
        "<style>path{fill:none;stroke-linecap:round}.k{stroke-width:18}"
        f"text{{font:24px sans-serif;fill:#59636e}}{bands}{_strokes(LIGHT)}"
        f"@media(prefers-color-scheme:dark){{text{{fill:#9aa4af}}{_strokes(DARK)}}}</style>"
    )


def _strokes(colours: tuple[str, ...]) -> str:
    return "".join(f".p{number}{{stroke:{colour}}}" for number, colour in enumerate(colours))


def _colour(kind: int) -> int:
    """Classes that follow one another differ."""
    return kind % len(LIGHT)
