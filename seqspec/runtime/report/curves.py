"""The curves of a run: few charts, each of what is read together, and only where there is a curve."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from seqspec.pages.chart import Line, chart
from seqspec.runtime.report.numbers import is_rate

Rows = Sequence[Mapping[str, Any]]
NOT_LOSSES = ("event", "step", "rate", "norm", "dropped")
STEERING = ("log_variance", "cosine")
"""First words of what is said of losses and gradients beside their size."""
FEW = 3
"""Evaluations from which a metric is drawn; fewer stand in the table."""


def curves(journal: Rows, speed: Rows) -> str:
    """All charts of a run, side by side where there is room."""
    charts = (
        _drawn("loss", list(_losses(journal))),
        *_metrics(journal),
        _drawn("learning rate", _of(journal, "rate")),
        _drawn("gradient norm", _of(journal, "norm"), log=True),
        *(_drawn(what.replace("_", " "), _below(journal, what)) for what in STEERING),
        *_speed(speed),
    )
    drawn = "".join(charts)
    return f'<div class="charts">{drawn}</div>' if drawn else ""


def series(rows: Rows, key: str) -> list[tuple[float, float]]:
    """The points of one value of the journal."""
    return [(row["step"], row[key]) for row in rows if isinstance(row.get(key), int | float)]


def evaluated(journal: Rows, split: str, metric: str) -> list[tuple[float, float]]:
    """The points of a metric on a split."""
    return [
        (row["step"], row["metrics"][metric])
        for row in journal
        if row["event"] == "evaluate" and split_of(row) == split and metric in row["metrics"]
    ]


def metric_names(journal: Rows) -> list[str]:
    """Every metric that was evaluated while training, in the order of the spec."""
    return list(dict.fromkeys(name for row in _evaluations(journal) for name in row["metrics"]))


def split_names(journal: Rows) -> list[str]:
    """Every split that was evaluated while training."""
    return list(dict.fromkeys(split_of(row) for row in _evaluations(journal)))


def split_of(row: Mapping[str, Any]) -> str:
    """The split of an evaluation, among those of several tasks ``TASK/SPLIT``."""
    return f"{row['task']}/{row['split']}" if "task" in row else str(row["split"])


def main_metrics(names: Sequence[str]) -> list[str]:
    """Without the parts of another metric: ``wer_deletions`` is one of ``wer``."""
    return [name for name in names if not any(name.startswith(f"{one}_") for one in names if one != name)]


def _evaluations(journal: Rows) -> list[Mapping[str, Any]]:
    return [row for row in journal if row["event"] == "evaluate"]


def _train(journal: Rows) -> list[Mapping[str, Any]]:
    return [row for row in journal if row["event"] == "train"]


def _losses(journal: Rows) -> Iterator[Line]:
    """Of training and of each split; the terms of the loss where they are not the loss itself."""
    rows = _train(journal)
    names = [
        key
        for key in (rows[-1] if rows else {})
        if _last(key) not in NOT_LOSSES and _word(key) not in STEERING and ":" not in key
    ]
    seen: list[list[tuple[float, float]]] = []
    for name in names:
        points = series(rows, name)
        if points in seen or not any(y for _, y in points):
            continue  # one term alone is the loss, and what never was above 0 tells nothing
        seen.append(points)
        yield Line(f"train {name}", points)
    for split in split_names(journal):
        for name in metric_names(journal):
            if name == "loss" or name.startswith("loss."):
                yield Line(f"{split} {name}", evaluated(journal, split, name))


def _metrics(journal: Rows) -> Iterator[str]:
    names = main_metrics([name for name in metric_names(journal) if not name.startswith("loss")])
    rates = [name for name in names if is_rate(name)]
    groups = [rates] if rates else []
    groups += [[name] for name in names if name not in rates]
    for group in groups:
        scale, unit = (100, ", %") if group is rates else (1, "")
        lines = [
            Line(f"{split} {name}", [(step, scale * value) for step, value in points])
            for split in split_names(journal)
            for name in group
            if len(points := evaluated(journal, split, name)) >= FEW
        ]
        yield _drawn(", ".join(group) + unit, lines)


def _of(journal: Rows, what: str) -> list[Line]:
    """A line for each phase: ``critic/rate`` is a ``rate``."""
    rows = _train(journal)
    keys = [key for key in (rows[-1] if rows else {}) if _last(key) == what]
    return [Line(key, series(rows, key)) for key in keys]


def _below(journal: Rows, what: str) -> list[Line]:
    """A line for each value whose first word is ``what``."""
    rows = _train(journal)
    keys = dict.fromkeys(key for row in rows for key in row if _word(key) == what)
    return [Line(key.partition(".")[2] or key, series(rows, key)) for key in keys]


def _speed(speed: Rows) -> Iterator[str]:
    rates = [key for key in (speed[-1] if speed else {}) if key.endswith("_per_second")]
    for rate in rates[:1]:
        yield _drawn(rate.replace("_", " "), [Line(rate.replace("_", " "), series(speed, rate))])
    yield _drawn("share of time waiting for data", [Line("waiting", series(speed, "waiting"))])


def _drawn(title: str, lines: Sequence[Line], *, log: bool = False) -> str:
    """A chart, where there is more than single points."""
    return chart(title, lines, log=log) if any(len(line.points) > 1 for line in lines) else ""


def _last(key: str) -> str:
    return key.rpartition("/")[2]


def _word(key: str) -> str:
    return _last(key).partition(".")[0]
