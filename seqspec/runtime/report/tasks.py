"""What a report says of several tasks: which trains which part, how often each had a turn, its curves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

from seqspec.runtime.report.charts import Line, chart

Lines = Sequence[Mapping[str, Any]]


def task_sections(held: Mapping[str, Any] | None, journal: Lines) -> str:
    """The section on tasks; empty where a run has one.  ``held`` is what ``tasks.json`` holds."""
    if not held:
        return ""
    each = "".join(_task(name, about, journal) for name, about in held["tasks"].items())
    return f"<h2>Tasks</h2>{_matrix(held)}{each}"


def _matrix(held: Mapping[str, Any]) -> str:
    """Tasks and parts: a mark where a task trains a part."""
    names = list(held["tasks"])
    head = "".join(f"<th>{escape(name)}" for name in names)
    rows = "".join(
        f"<tr><td>{escape(row['part'])}<td class=number>{row['parameters']:,}"
        + "".join(f"<td>{'●' if name in row['tasks'] else ''}" for name in names)
        + "</tr>"
        for row in held["parts"]
    )
    return f"<table><tr><th>part<th>parameters{head}</tr>{rows}</table>"


def _task(name: str, about: Mapping[str, Any], journal: Lines) -> str:
    told = f"{about['turns']:,} updates, {about['examples']:,} training examples, weight {about['weight']:g}"
    charts = "".join(one for one in _charts(name, journal) if one)
    return f"<h3>{escape(name)}</h3><p><small>{told}</small></p><div class=charts>{charts}</div>"


def _charts(name: str, journal: Lines) -> Iterator[str]:
    steps = [line for line in journal if line["event"] == "train"]
    for what in ("loss", "norm"):
        lines = [Line(key, _points(steps, key)) for key in _keys(steps, what, name)]
        yield chart({"loss": "training loss", "norm": "gradient norm"}[what], lines)
    judged = [line for line in journal if line["event"] == "evaluate" and line.get("task") == name]
    splits = dict.fromkeys(line["split"] for line in judged)
    for metric in dict.fromkeys(key for line in judged for key in line["metrics"]):
        found = {
            split: [
                (line["step"], line["metrics"][metric])
                for line in judged
                if line["split"] == split and metric in line["metrics"]
            ]
            for split in splits
        }
        yield chart(metric, [Line(split, points) for split, points in found.items()])


def _keys(steps: Lines, what: str, task: str) -> list[str]:
    """The names of the journal that are of this task: ``loss.asr``, ``critic/loss.asr.ctc``."""
    names = dict.fromkeys(key for line in steps for key in line)
    return [key for key in names if key.rpartition("/")[2].split(".")[:2] == [what, task]]


def _points(steps: Lines, key: str) -> list[tuple[int, float]]:
    return [(line["step"], line[key]) for line in steps if key in line]
