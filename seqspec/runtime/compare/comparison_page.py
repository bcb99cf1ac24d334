"""A comparison as one page: settings, metrics, curves over each other, cost."""

from __future__ import annotations

from collections.abc import Iterator

from seqspec.pages.chart import Line, chart, swatch
from seqspec.pages.markup import Markup, badge, escape, listing, paragraph, table
from seqspec.pages.page import Section, page
from seqspec.runtime.compare.comparison import SIGNIFICANT, Cell, Comparison, Row
from seqspec.runtime.compare.formats import cost_rows
from seqspec.runtime.report.curves import evaluated, main_metrics, metric_names, series, split_names
from seqspec.runtime.report.numbers import is_rate, shown

MOST_VALUE = 200


def as_page(found: Comparison) -> str:
    """The whole page."""
    names = [run.label for run in found.runs]
    rows = [
        (
            Markup(f"{swatch(number)}{escape(run.label)}"),
            badge(run.state),
            Markup(f"<code>{escape(run.folder.path.resolve().name)}</code>"),
        )
        for number, run in enumerate(found.runs)
    ]
    lead = table(("run", "state", "directory"), rows) + _notes(found)
    sections = (
        Section("Settings that differ", _settings(found, names)),
        Section("Metrics", _metrics(found, names)),
        Section("Curves", _curves(found)),
        Section("Cost", table(("", *names), cost_rows(found))),
    )
    return page(f"{len(names)} runs compared", lead=lead, sections=sections)


def _notes(found: Comparison) -> str:
    notes = listing(found.notes)
    return f'<div class="advice">not compared:{notes}</div>' if notes else ""


def _settings(found: Comparison, names: list[str]) -> str:
    written = [one for one in found.settings if not one.derived]
    follows = [one for one in found.settings if one.derived]
    body = "".join(
        (f"<h3>{title}</h3>" if title else "")
        + table(
            ("setting", *names),
            [
                (Markup(f"<code>{escape(one.path)}</code>"), *(v[:MOST_VALUE] for v in one.values))
                for one in group
            ],
        )
        for title, group in (("", written), ("Follows from these", follows))
        if group
    )
    return body or paragraph("Every setting that changes a result is the same.")


def _metrics(found: Comparison, names: list[str]) -> str:
    if not found.rows:
        return ""
    rows = [
        (row.split, row.metric, *(_cell(row, cell, best=n == row.best) for n, cell in enumerate(row.cells)))
        for row in found.rows
    ]
    note = (
        "In brackets the middle 95 % of 1,000 bootstrap resamples of the examples; p says how likely so "
        "large a difference from the first run is by chance (paired bootstrap, as in sacreBLEU); the best "
        "value is bold."
    )
    return table(("split", "metric", *names), rows) + paragraph(note, kind="faint")


def _cell(row: Row, cell: Cell, *, best: bool) -> Markup:
    if cell.value is None:
        return Markup("")
    value = escape(shown(row.metric, cell.value))
    text = f"<strong>{value}</strong>" if best else str(value)
    if cell.interval is not None:
        scale = 100 if is_rate(row.metric) else 1
        text += f" <small>[{scale * cell.interval[0]:.2f}, {scale * cell.interval[1]:.2f}]</small>"
    if cell.p is not None:
        kind = "right" if cell.p < SIGNIFICANT else "faint"
        text += f' <span class="{kind}"><small>p {cell.p:.3f}</small></span>'
    return Markup(text)


def _curves(found: Comparison) -> str:
    charts = "".join(_charts(found))
    return f'<div class="charts">{charts}</div>' if charts else ""


def _charts(found: Comparison) -> Iterator[str]:
    runs = found.runs
    train = {run.label: [row for row in run.journal if row["event"] == "train"] for run in runs}
    yield chart("training loss", [Line(name, series(rows, "loss")) for name, rows in train.items()])
    splits = dict.fromkeys(split for run in runs for split in split_names(run.journal))
    names = main_metrics(list(dict.fromkeys(name for run in runs for name in metric_names(run.journal))))
    for split in splits:
        for name in names:
            scale, unit = (100, ", %") if is_rate(name) else (1, "")
            lines = [
                Line(run.label, [(step, scale * v) for step, v in evaluated(run.journal, split, name)])
                for run in runs
            ]
            yield chart(f"{split} {name}{unit}", lines)
    yield chart("learning rate", [Line(name, series(rows, "rate")) for name, rows in train.items()])
    speeds = dict.fromkeys(
        key for run in runs for key in (run.speed[-1] if run.speed else {}) if key.endswith("_per_second")
    )
    for key in list(speeds)[:1]:
        yield chart(key.replace("_", " "), [Line(run.label, series(run.speed, key)) for run in runs])
