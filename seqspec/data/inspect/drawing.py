"""Figures of findings in the elements of the pages."""

from __future__ import annotations

from seqspec.data.inspect.finding import Bars, Figure, Gallery, Histogram, Table
from seqspec.pages import bars
from seqspec.pages.markup import Markup, identity, table
from seqspec.pages.media import Room, audio, image

ID = "id"
"""The heading of a column of ids, which stay on one line."""


def draw(figure: Figure, room: Room) -> Markup:
    """The figure with its title; media only as far as the page has ``room``."""
    match figure:
        case Histogram():
            return bars.histogram(figure.title, start=figure.start, width=figure.width, series=figure.series)
        case Bars():
            return bars.bars(figure.title, figure.values)
        case Table():
            return bars.figure(figure.title, _table(figure))
        case Gallery():
            return bars.figure(figure.title, _gallery(figure, room))


def _table(figure: Table) -> Markup:
    ids = {n for n, name in enumerate(figure.head) if name == ID}
    rows = [[identity(c) if n in ids else c for n, c in enumerate(row)] for row in figure.rows]
    return table(figure.head, rows)


def _gallery(figure: Gallery, room: Room) -> str:
    shown = [
        (audio if one.kind.startswith("audio/") else image)(one.data, name=one.caption, kind=one.kind)
        for one in figure.items
        if room.take(one.data)
    ]
    left_out = len(figure.items) - len(shown)
    note = f"<p class=faint>{left_out} more found no room on this page</p>" if left_out else ""
    return f'<div class="media">{"".join(shown)}</div>{note}'
