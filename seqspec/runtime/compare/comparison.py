"""Several runs beside each other: what was set differently, how well each did, and whether it is chance.

The first run is what the others are compared with.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seqspec.compile.diff.plan_diff import diff
from seqspec.compile.language.flow_style import flow
from seqspec.runtime.compare.bootstrap import Resamples, p_value, resample
from seqspec.runtime.compare.subject import Subject, subjects
from seqspec.runtime.report.curves import main_metrics
from seqspec.runtime.report.predictions import Predictions

SIGNIFICANT = 0.05


@dataclass(frozen=True)
class Setting:
    """One setting that not all runs share."""

    path: str
    values: tuple[str, ...]
    """By run, in YAML's flow style."""
    derived: bool
    """It follows from others."""


@dataclass(frozen=True)
class Cell:
    """One metric of one run on one split."""

    value: float | None
    interval: tuple[float, float] | None = None
    """The middle 95 % of the bootstrap."""
    p: float | None = None
    """Against the first run, by the paired bootstrap."""


@dataclass(frozen=True)
class Row:
    """One metric on one split, a cell a run."""

    split: str
    metric: str
    better: str | None
    cells: tuple[Cell, ...]

    @property
    def best(self) -> int | None:
        """The run with the best value, where one is better than all others."""
        known = [(cell.value, number) for number, cell in enumerate(self.cells) if cell.value is not None]
        if self.better is None or len(known) < 2:
            return None
        ordered = sorted(known, reverse=self.better == "higher")
        return ordered[0][1] if ordered[0][0] != ordered[1][0] else None


@dataclass(frozen=True)
class Comparison:
    """What there is to say of several runs."""

    runs: tuple[Subject, ...]
    settings: tuple[Setting, ...]
    rows: tuple[Row, ...]
    notes: tuple[str, ...]
    """Why something is not compared."""


def compare(paths: Sequence[Path]) -> Comparison:
    """The runs in ``paths``.  Raises ``RunError`` for what is no run."""
    runs = subjects(paths)
    notes: list[str] = []
    rows = tuple(_rows(runs, notes))
    return Comparison(tuple(runs), tuple(_settings(runs)), rows, tuple(dict.fromkeys(notes)))


def _settings(runs: Sequence[Subject]) -> list[Setting]:
    """Every setting of result that any run has otherwise than the first."""
    found: dict[str, dict[int, Any]] = {}
    derived: dict[str, bool] = {}
    first: dict[str, Any] = {}
    for number, run in enumerate(runs[1:], 1):
        for change in diff(runs[0].plan, run.plan):
            if change.affects == "result":
                found.setdefault(change.label, {})[number] = change.new
                first[change.label] = change.old
                derived[change.label] = derived.get(change.label, True) and change.derived
    settings = [
        Setting(
            path,
            tuple(flow(values.get(number, first[path])) for number in range(len(runs))),
            derived[path],
        )
        for path, values in found.items()
    ]
    return sorted(settings, key=lambda one: one.derived)


def _rows(runs: Sequence[Subject], notes: list[str]) -> Iterator[Row]:
    splits = list(dict.fromkeys(split for run in runs for split in run.metrics))
    for split in splits:
        names = list(dict.fromkeys(name for run in runs for name in run.metrics.get(split, {})))
        same = [_same_examples(runs[0], run, split, notes) for run in runs]
        for name in main_metrics(names):
            better = next((run.better[name] for run in runs if name in run.better), None)
            yield Row(split, name, better, _cells(runs, split, name, same, notes))


def _cells(
    runs: Sequence[Subject], split: str, name: str, same: Sequence[bool], notes: list[str]
) -> tuple[Cell, ...]:
    sampled = [_resampled(run, split, name) for run in runs]
    cells = []
    for run, comparable, found in zip(runs, same, sampled, strict=True):
        value = run.metrics.get(split, {}).get(name)
        p = None
        if run is not runs[0] and comparable and found is not None and sampled[0] is not None:
            if _signature(run, split, name) == _signature(runs[0], split, name):
                p = p_value(sampled[0], found)
            else:
                notes.append(
                    f"{name} of {run.label} is another measure than that of {runs[0].label}: "
                    f"{_signature(run, split, name)} against {_signature(runs[0], split, name)}"
                )
        cells.append(Cell(value, found.interval if found else None, p))
    return tuple(cells)


def _resampled(run: Subject, split: str, name: str) -> Resamples | None:
    predictions, scorer = run.predictions.get(split), run.scorer(split, name)
    if predictions is None or scorer is None:
        return None
    hypotheses = [one.hypothesis for one in predictions.examples]
    references = [one.reference for one in predictions.examples]
    return resample(scorer, hypotheses, references)


def _signature(run: Subject, split: str, name: str) -> str:
    return str(run.scorer(split, name).signature())


def _same_examples(first: Subject, other: Subject, split: str, notes: list[str]) -> bool:
    """Whether both were evaluated on the same examples; where not, why is noted."""
    if other is first:
        return True
    one, two = first.predictions.get(split), other.predictions.get(split)
    if one is None or two is None:
        lacking = first.label if one is None else other.label
        notes.append(f"{split}: {lacking} has no predictions, so that chance cannot be told from difference")
        return False
    why = _otherwise(one, two)
    if why:
        notes.append(
            f"{split}: {other.label} was evaluated on other data than {first.label} ({why}): their scores "
            "do not compare"
        )
    return not why


def _otherwise(one: Predictions, two: Predictions) -> str:
    """How the examples differ; empty where they are the same in the same order."""
    if len(one.examples) != len(two.examples):
        return f"{len(two.examples):,} examples in place of {len(one.examples):,}"
    pairs = list(zip(one.examples, two.examples, strict=True))
    other_ids = sum(a.id != b.id for a, b in pairs)
    other_texts = sum(a.reference != b.reference for a, b in pairs)
    if other_texts:
        return f"{other_texts:,} of {len(pairs):,} references differ"
    return f"{other_ids:,} of {len(pairs):,} ids differ" if other_ids == len(pairs) and len(pairs) > 1 else ""
