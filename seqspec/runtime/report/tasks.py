"""What a report says of several tasks: which trains which part, how often each had a turn, its curves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from seqspec.pages.markup import paragraph, table
from seqspec.pages.page import Section
from seqspec.runtime.report.curves import NOT_LOSSES, curves

Rows = Sequence[Mapping[str, Any]]
OF_ALL = (*NOT_LOSSES, "loss")
"""What lines of the journal say of all tasks together."""


def of_all(journal: Rows) -> list[Mapping[str, Any]]:
    """The journal without what is of one of several tasks."""
    return [
        {key: value for key, value in row.items() if key.rpartition("/")[2] in OF_ALL}
        for row in journal
        if row["event"] == "train"
    ]


def task_sections(held: Mapping[str, Any] | None, journal: Rows) -> Iterator[Section]:
    """The sections on tasks; none where a run has one.  ``held`` is what ``tasks.json`` holds."""
    if not held:
        return
    yield Section("Tasks", _matrix(held) + _cosines(list(held["tasks"]), journal))
    for name, about in held["tasks"].items():
        turns, examples, weight = about["turns"], about["examples"], about["weight"]
        told = f"{turns:,} updates, {examples:,} training examples, weight {weight:g}"
        yield Section(f"Task {name}", paragraph(told, kind="faint") + curves(_of_task(journal, name), ()))


def _matrix(held: Mapping[str, Any]) -> str:
    """Tasks and parts: a mark where a task trains a part."""
    names = list(held["tasks"])
    rows = [
        (row["part"], row["parameters"], *("●" if name in row["tasks"] else "" for name in names))
        for row in held["parts"]
    ]
    return table(("part", "parameters", *names), rows)


def _cosines(names: Sequence[str], journal: Rows) -> str:
    """Tasks by tasks, the mean cosine between their gradients over the run; empty where not asked for."""
    found: dict[frozenset[str], list[float]] = {}
    for row in journal:
        for key, value in row.items():
            word, *both = key.split(".")
            if word == "cosine" and len(both) == 2 and isinstance(value, int | float):
                found.setdefault(frozenset(both), []).append(value)
    if not found:
        return ""
    means = {pair: sum(values) / len(values) for pair, values in found.items()}
    rows = [
        (
            one,
            *(f"{means[pair]:+.3f}" if (pair := frozenset((one, other))) in means else "" for other in names),
        )
        for one in names
    ]
    told = "Mean cosine between the gradients of two tasks, in the parameters that both train:"
    return paragraph(told, kind="faint") + table(("cosine", *names), rows)


def _of_task(journal: Rows, task: str) -> list[Mapping[str, Any]]:
    """The journal of one task, as if it were alone: ``loss.asr`` is its ``loss``."""
    kept = []
    for row in journal:
        if row["event"] == "evaluate" and row.get("task") == task:
            kept.append(row)
        elif row["event"] == "train":
            own = {name: value for key, value in row.items() if (name := _own(key, task))}
            kept.append({"event": "train", "step": row["step"], **own})
    return kept


def _own(key: str, task: str) -> str:
    """What a value is called where its task is alone; empty for another task's: ``critic/loss.asr.ctc`` is
    ``critic/loss.ctc``.
    """
    phase, slash, name = key.rpartition("/")
    words = name.split(".")
    return phase + slash + ".".join([words[0], *words[2:]]) if words[1:2] == [task] else ""
