"""``seqspec runs``: every run below a folder, with its state, its best score and its age."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from seqspec.data.printable import show
from seqspec.runtime.compare.subject import Subject
from seqspec.runtime.report.curves import evaluated
from seqspec.runtime.report.numbers import shown
from seqspec.runtime.run_folder.folder import STARTING, RunFolder
from seqspec.runtime.run_folder.lost_files import lost_files
from seqspec.runtime.run_folder.metrics_log import read_journal
from seqspec.runtime.run_folder.state import State, state_of
from seqspec.schema.diagnostic import RunError, SpecError

DEEPEST = 4
"""Folders below the one that is asked for."""


@dataclass(frozen=True)
class RunLine:
    """One run of a list."""

    name: str
    path: str
    state: State | str
    """``unreadable`` where the directory holds what no run has written."""
    step: int
    split: str | None
    metric: str | None
    value: float | None
    """Of the run's end, or the best evaluation so far; rates are fractions."""
    started: str | None
    age_seconds: float | None
    reason: str | None = None
    """Why it is unreadable, or what its directory has lost."""

    def as_json(self) -> dict[str, Any]:
        """As plain data."""
        return asdict(self)


def list_runs(folder: Path) -> list[RunLine]:
    """The runs below ``folder``, the youngest first."""
    now = time.time()
    found = [_line(RunFolder(path), now) for path in _run_folders(folder, DEEPEST)]
    return sorted(found, key=lambda one: (one.age_seconds is None, one.age_seconds, one.path))


def _run_folders(folder: Path, depth: int) -> Iterator[Path]:
    if (folder / "lock.json").is_file() and (folder / "spec.yaml").is_file():
        yield folder
        return
    if depth:
        for path in sorted(folder.iterdir()):
            if path.is_dir() and not path.is_symlink() and not path.name.startswith(STARTING):
                yield from _run_folders(path, depth - 1)


def _line(folder: RunFolder, now: float) -> RunLine:
    try:
        return _read(folder, now)
    except (RunError, OSError) as error:
        return _unreadable(folder, str(error))
    except (SpecError, KeyError, TypeError, ValueError, AttributeError, IndexError):
        return _unreadable(folder, f"{show(folder.path)} does not hold what a run writes")


def _unreadable(folder: RunFolder, reason: str) -> RunLine:
    name, path = folder.path.parent.name, str(folder.path)
    return RunLine(name, path, "unreadable", 0, None, None, None, None, None, reason)


def _read(folder: RunFolder, now: float) -> RunLine:
    launch, lock = folder.read("launch.json") or {}, folder.read("lock.json") or {}
    started = launch.get("started")
    age = (
        now - datetime.strptime(started, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC).timestamp()
        if started
        else None
    )
    lost = lost_files(folder)
    try:
        journal = read_journal(folder.metrics)
    except RunError:
        if not any(str(folder.metrics) in one for one in lost):
            raise
        journal = []  # of a run that is done: its result has the score
    split, metric, value = _score(folder, journal)
    return RunLine(
        name=str(lock["spec"]["name"]),
        path=str(folder.path),
        state=state_of(folder),
        step=max((row["step"] for row in journal), default=_last_step(folder)),
        split=split,
        metric=metric,
        value=value,
        started=started,
        age_seconds=age,
        reason="\n".join(lost) or None,
    )


def _last_step(folder: RunFolder) -> int:
    """Of the result, where the journal holds no line that can be read."""
    return int((folder.read("result.json") or {}).get("step", 0))


def _score(folder: RunFolder, journal: list[dict[str, Any]]) -> tuple[str | None, str | None, float | None]:
    """The first metric of the first split: of the result, or the best so far."""
    result = (folder.read("result.json") or {}).get("metrics") or {}
    for split, metrics in result.items():
        for name, value in metrics.items():
            return str(split), str(name), float(value)
    rows = [row for row in journal if row["event"] == "evaluate"]
    if not rows:
        return None, None, None
    split, name = str(rows[0]["split"]), str(next(iter(rows[0]["metrics"])))
    values = [value for _, value in evaluated(journal, split, name)]
    return split, name, float(_best(folder)(values))


def _best(folder: RunFolder) -> Callable[[list[float]], float]:
    """``max`` or ``min``, as the first metric of the plan has it."""
    better = next(iter(Subject(folder, "").better.values()))
    return max if better == "higher" else min


def as_text(runs: list[RunLine]) -> str:
    """A line a run, and below them why some cannot be read."""
    rows = [("name", "state", "step", "score", "age", "directory")]
    for run in runs:
        score = (
            f"{run.split} {run.metric} {shown(run.metric, run.value)}"
            if run.metric and run.value is not None
            else ""
        )
        rows.append((run.name, run.state, f"{run.step:,}", score, _age(run.age_seconds), run.path))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = (
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )
    reasons = (run.reason for run in runs if run.reason)
    return "".join(line + "\n" for line in (*lines, *reasons))


def _age(seconds: float | None) -> str:
    if seconds is None:
        return ""
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}"
    return f"{max(seconds, 0):.0f} s"
