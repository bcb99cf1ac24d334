"""What is known of a finished or stopped run, gathered once for every format."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from seqspec.compile.plan.digests import result_fields
from seqspec.compile.plan.plan import Plan
from seqspec.runtime.run_folder.compiled_run import compile_run, task_of
from seqspec.runtime.run_folder.folder import RunFolder, open_folder
from seqspec.runtime.run_folder.metrics_log import read_journal
from seqspec.schema.types import Classes, Image, Mask, Pairs, Text, Type, Waveform

BLOCK = 1 << 20


@dataclass(frozen=True)
class Facts:
    """A run as it is described."""

    folder: RunFolder
    licence: str | None = None
    """Of the corpus and what was learned from it; the spec does not say."""
    task: str | None = None
    """Which of several tasks is described."""

    @cached_property
    def plan(self) -> Plan:
        """What decided the run, or the task."""
        whole = compile_run(self.folder).plan
        return whole.each[task_of(whole, self.task, run=self.folder)]

    @cached_property
    def lock(self) -> Mapping[str, Any]:
        """What decided its bits."""
        held = self.folder.read("lock.json") or {}
        return held | {name: self._own(held.get(name, {})) for name in ("files", "text")}

    @cached_property
    def result(self) -> Mapping[str, Any]:
        """What it came to; empty where it is not at its end."""
        held = self.folder.read("result.json") or {}
        return held | {name: self._own(held[name]) for name in ("metrics", "signatures") if name in held}

    @cached_property
    def examples(self) -> Mapping[str, int]:
        """Examples of each split."""
        return self._own((self.folder.read("data.json") or {}).get("examples", {}))

    @cached_property
    def journal(self) -> list[dict[str, Any]]:
        """What it measured."""
        rows = read_journal(self.folder.metrics)
        return [row for row in rows if self.task is None or row.get("task", self.task) == self.task]

    def _own(self, held: Mapping[str, Any]) -> dict[str, Any]:
        """What is the task's, under the names that it has where it is alone."""
        if self.task is None:
            return dict(held)
        starts = (f"{self.task}/", f"tasks.{self.task}.")
        return {
            name.removeprefix(start): value
            for name, value in held.items()
            for start in starts
            if name.startswith(start)
        }

    @property
    def name(self) -> str:
        """The experiment's."""
        return self.plan.experiment.name

    @property
    def description(self) -> str:
        """The experiment's, or what it is."""
        said = getattr(self.plan.experiment, "description", None)
        return str(said) if said else f"The experiment {self.name}, run by seqspec."

    @property
    def digest(self) -> str:
        """Of the whole plan."""
        return self.plan.digests["all"]

    @property
    def started(self) -> str | None:
        """When the run began, in UTC."""
        return (self.folder.read("launch.json") or {}).get("started")

    @property
    def ended(self) -> str | None:
        """When its last line of speed was written, in UTC."""
        times = [row["time"] for row in read_journal(self.folder.speed) if "time" in row]
        return datetime.fromtimestamp(times[-1], UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if times else None

    @property
    def roles(self) -> Mapping[str, Type]:
        """What an example holds."""
        return self.plan.experiment.data.source.roles()

    @property
    def languages(self) -> list[str]:
        """Of all texts, as BCP 47 codes."""
        return list(dict.fromkeys(kind.language for kind in self.roles.values() if isinstance(kind, Text)))

    @property
    def corpus(self) -> str:
        """The adapter that read the data."""
        return str(self.plan.experiment.data.source.component[1])

    @property
    def synthetic(self) -> bool:
        """The corpus was made up for a test."""
        return bool(getattr(self.plan.experiment.data.source, "synthetic", None))

    @property
    def hub_task(self) -> str | None:
        """In the words of model hubs, by the types of what is read and written."""
        source, target = self.roles.get("source"), self.roles.get("target")
        if isinstance(source, Text) and isinstance(self.plan.node("model").gives, Pairs):
            return "sentence-similarity"
        if source is None and isinstance(target, Text):
            return "text-generation"
        if isinstance(source, Text) and isinstance(target, Text):
            return "translation" if source.language != target.language else "text2text-generation"
        return next(
            (name for (read, written), name in TASKS.items() if _is(source, read) and _is(target, written)),
            None,
        )

    @property
    def parameters(self) -> dict[str, str]:
        """Every setting that decides the result, flat; no path of a machine is among them."""
        return dict(_flat(result_fields(self.plan.experiment)))

    @property
    def files(self) -> list[tuple[str, str, str]]:
        """(Split, file of the corpus, SHA-256)."""
        return [
            (split, name, sha256)
            for split, files in sorted(self.lock.get("files", {}).items())
            for name, sha256 in sorted(files.items())
        ]

    @cached_property
    def weights(self) -> Path | None:
        """The weights that were evaluated, or the newest."""
        named = self.folder.checkpoints / str(self.result.get("checkpoint", "")) / "weights.safetensors"
        newest = sorted(self.folder.checkpoints.glob("step-*/weights.safetensors"))
        found = [named] if named.is_file() else newest
        return found[-1] if found else None

    @cached_property
    def outputs(self) -> list[tuple[str, int, str]]:
        """(Path in the run, bytes, SHA-256) of what lasts, from the spec to the weights."""
        fixed = [self.folder.path / name for name in LASTING]
        predictions = [f for f in sorted(self.folder.predictions.glob("*.jsonl")) if "." not in f.stem]
        files = [*fixed, *predictions, *([self.weights] if self.weights else [])]
        return [
            (file.relative_to(self.folder.path).as_posix(), file.stat().st_size, sha256_of(file))
            for file in files
            if file.is_file()
        ]


LASTING = ("spec.yaml", "plan.txt", "lock.json", "facts.json", "metrics.jsonl", "result.json")
TASKS: dict[tuple[type[Type], type[Type]], str] = {
    (Waveform, Text): "automatic-speech-recognition",
    (Waveform, Classes): "audio-classification",
    (Text, Classes): "text-classification",
    (Text, Waveform): "text-to-speech",
    (Text, Image): "text-to-image",
    (Image, Text): "image-to-text",
    (Image, Classes): "image-classification",
    (Image, Mask): "image-segmentation",
    (Image, Image): "image-to-image",
}


def facts_of(path: Path, *, licence: str | None = None, task: str | None = None) -> Facts:
    """The facts of the run in ``path``, or of one of its tasks; raises ``RunError`` where there is none."""
    return Facts(open_folder(path), licence, task)


def sha256_of(file: Path) -> str:
    """Of a file, read in blocks."""
    found = hashlib.sha256()
    with open(file, "rb") as opened:
        while block := opened.read(BLOCK):
            found.update(block)
    return found.hexdigest()


def _is(kind: Type | None, wanted: type[Type]) -> bool:
    return isinstance(kind, wanted)


def _flat(value: Any, place: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping) and value:
        for name, item in value.items():
            yield from _flat(item, f"{place}.{name}" if place else str(name))
    elif isinstance(value, list | tuple) and any(isinstance(item, Mapping) for item in value):
        for number, item in enumerate(value):
            yield from _flat(item, f"{place}.{number}")
    elif value is not None:
        yield place, ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
