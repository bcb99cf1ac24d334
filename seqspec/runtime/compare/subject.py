"""One run as it is compared: its plan, its scores, its predictions and what it cost."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod
from pathlib import Path
from typing import Any

from seqspec.compile.build.construct import Constructor
from seqspec.compile.plan.plan import Plan
from seqspec.runtime.report.curves import split_names
from seqspec.runtime.report.predictions import Predictions, own_predictions
from seqspec.runtime.run_folder.compiled_run import compile_run
from seqspec.runtime.run_folder.documents import parsed
from seqspec.runtime.run_folder.folder import RunFolder, open_folder
from seqspec.runtime.run_folder.metrics_log import read_journal
from seqspec.runtime.run_folder.shapes import WHOLE, Each, Items, Keys, fault_of
from seqspec.runtime.run_folder.state import State, state_of
from seqspec.schema.diagnostic import Exit, RunError

Rows = Sequence[Mapping[str, Any]]
LARGEST_HEADER = 64 << 20


@dataclass(frozen=True)
class Subject:
    """One of the runs that are compared."""

    folder: RunFolder
    label: str
    """What tells it from the others."""

    @cached_property
    def plan(self) -> Plan:
        """The plan that it was run with."""
        return compile_run(self.folder).plan

    @cached_property
    def state(self) -> State:
        """How it stands."""
        return state_of(self.folder)

    @cached_property
    def journal(self) -> Rows:
        """What it measured, by step."""
        return read_journal(self.folder.metrics)

    @cached_property
    def speed(self) -> Rows:
        """What time it took."""
        return read_journal(self.folder.speed)

    @cached_property
    def predictions(self) -> dict[str, Predictions]:
        """Its own, by split; of several tasks by ``TASK/SPLIT``, as their scores are."""
        return {one.name.replace(".", "/", 1): one for one in own_predictions(self.folder)}

    @cached_property
    def metrics(self) -> dict[str, dict[str, float]]:
        """Final scores by split; of a run without them, those of its newest evaluation."""
        result = self.folder.read("result.json") or {}
        found = {split: dict(values) for split, values in result.get("metrics", {}).items()}
        for split in split_names(self.journal) if not found else ():
            rows = [row for row in self.journal if row["event"] == "evaluate" and row["split"] == split]
            found[split] = dict(rows[-1]["metrics"])
        for split in self.predictions.keys() - found.keys():
            if record := self.folder.read(f"evaluations/{split.replace('/', '.')}.json"):
                found[split] = dict(record["metrics"])
        return found

    def scorer(self, split: str, metric: str) -> Any:
        """What works out a metric of texts or labels on ``split`` again, without torch; ``None`` where it is
        another kind of metric.
        """
        found = self._metrics.get(split.rpartition("/")[0], {}).get(metric)
        return found if found is not None and found.reads in ("text", "labels") else None

    @cached_property
    def better(self) -> dict[str, str]:
        """``higher`` or ``lower`` by metric, of all that it has."""
        known = {name: str(one.better) for held in self._metrics.values() for name, one in held.items()}
        return {**known, "loss": "lower"}

    @cached_property
    def _metrics(self) -> dict[str, dict[str, Any]]:
        """The metrics of each task by the name of their first value."""
        return {task: _built(plan) for task, plan in self.plan.each.items()}

    @property
    def cost(self) -> dict[str, float | str]:
        """Steps, time, speed, memory and size, as far as they are known."""
        found: dict[str, float | str] = {"state": self.state}
        steps = [row["step"] for row in self.journal]
        if steps:
            found["steps"] = max(steps)
        if self.speed:
            found["training seconds"] = round(trained_seconds(self.speed), 1)
            rates = [key for key in self.speed[-1] if key.endswith("_per_second")]
            for key in rates:
                values = sorted(float(row[key]) for row in self.speed if key in row)
                found[f"{key.replace('_', ' ')}, median"] = values[len(values) // 2]
            found |= {
                name: self.speed[-1][key]
                for key, name in (("peak_mb", "memory, MB"), ("peak_gpu_mb", "GPU memory, MB"))
                if key in self.speed[-1]
            }
        weights = num_weights(self.folder)
        return {**found, "weights": weights} if weights else found


def _built(plan: Plan) -> dict[str, Any]:
    constructor = Constructor(plan)
    count = len(plan.experiment.evaluate.metrics)
    built = [constructor.build("evaluate", "metrics", index) for index in range(count)]
    return {next(iter(one.compute())): one for one in built}


def trained_seconds(speed: Rows) -> float:
    """Time in training: each line counts from the start of its process, so a resumed run begins again."""
    clocks = [float(row.get("seconds", 0.0)) for row in speed]
    ends = [now for now, then in zip(clocks, [*clocks[1:], 0.0], strict=True) if then < now]
    return sum(ends)


def subjects(paths: Sequence[Path]) -> list[Subject]:
    """The runs in ``paths``; names that are told apart by as little as suffices."""
    folders = [open_folder(path) for path in paths]
    names = [_name(folder) for folder in folders]
    places = [folder.path.resolve().name for folder in folders]
    short = [f"{name} {place.rpartition('-')[2]}" for name, place in zip(names, places, strict=True)]
    long = [f"{name} {place}" for name, place in zip(names, places, strict=True)]
    numbered = [f"{number}. {label}" for number, label in enumerate(long, 1)]
    labels = next(one for one in (names, short, long, numbered) if len(set(one)) == len(one))
    return [Subject(folder, label) for folder, label in zip(folders, labels, strict=True)]


def _name(folder: RunFolder) -> str:
    lock = folder.read("lock.json") or {}
    return str(lock.get("spec", {}).get("name") or folder.path.resolve().parent.name)


def num_weights(folder: RunFolder) -> int:
    """Numbers in the newest checkpoint's weights, read from the head of the file; 0 where there is none."""
    files = sorted(folder.checkpoints.glob("step-*/weights.safetensors"))
    if not files or not files[-1].is_file():
        return 0
    with open(files[-1], "rb") as file:
        head = file.read(8)
        size = struct.unpack("<Q", head)[0] if len(head) == 8 else 0
        header = parsed(file.read(size), files[-1]) if 0 < size < LARGEST_HEADER else {}
    known = {name: one for name, one in header.items() if name != "__metadata__"} if _is_map(header) else None
    why = fault_of(known, _TENSORS)
    if why is not None:
        raise RunError(f"{files[-1]} is not a whole safetensors file: {why}", exit=Exit.STORAGE,
                       help="put the file back from a copy of the run directory")  # fmt: skip
    return sum(prod(one["shape"]) for one in (known or {}).values())


_TENSORS = Each(Keys({"shape": Items(WHOLE)}, needed=("shape",)))
"""What is read of the head of a file of weights."""


def _is_map(value: object) -> bool:
    return isinstance(value, dict)
