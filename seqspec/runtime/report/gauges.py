"""What parts of a model measured while it was trained, such as the load of experts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from seqspec.pages.chart import Line, chart
from seqspec.pages.page import Section
from seqspec.runtime.report.curves import series

GAUGE = ":"
"""Stands between the part and what it measured."""


def gauge_section(journal: Sequence[Mapping[str, Any]]) -> Section:
    """A chart for each gauge of each part, a line for each of its values (``load.00``, ``load.01``)."""
    rows = [row for row in journal if row["event"] == "train"]
    grouped: dict[str, list[str]] = {}
    for key in dict.fromkeys(key for row in rows for key in row if GAUGE in key):
        part, _, gauge = key.rpartition(GAUGE)
        name, dot, _ = gauge.partition(".")
        grouped.setdefault(f"{part}: {name}" if dot else name, []).append(key)
    drawn = "".join(
        chart(title, [Line(key, series(rows, key)) for key in keys]) for title, keys in grouped.items()
    )
    return Section("Inside the model", f'<div class="charts">{drawn}</div>' if drawn else "")
