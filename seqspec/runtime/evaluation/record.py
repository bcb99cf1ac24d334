"""The record of one evaluation of a run: weights, search, data and metrics, in a file whose name says what
was evaluated.

The run's own evaluation is ``predictions/SPLIT.jsonl``.  Everything else (another checkpoint, another
setting, other data) has a name of its own, so that nothing is written over:

    predictions/dev.step-00000060.spec-1d5ca821.data-90ab12cd.jsonl
    evaluations/dev.step-00000060.spec-1d5ca821.data-90ab12cd.json
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seqspec.compile.plan.digests import digest
from seqspec.data.store.durable import write_durably
from seqspec.runtime.assembly.assemble import in_whole
from seqspec.runtime.assembly.assembled import Assembled
from seqspec.runtime.assembly.record_digests import locked_records, record_digests
from seqspec.runtime.checkpoints.selection import Chosen
from seqspec.runtime.evaluation.evaluator import Scored
from seqspec.runtime.evaluation.run_evaluation import among, write_predictions
from seqspec.runtime.reproducibility.lock import Drift, compared
from seqspec.runtime.run_folder.folder import RunFolder

SHORT = 8
"""Hexadecimal digits of a digest in a name."""


@dataclass(frozen=True)
class Evaluation:
    """One evaluation of a run on a split."""

    assembled: Assembled
    scored: Scored
    weights: Chosen
    search: Mapping[str, Any] | None
    """The search with its settings; none where nothing was searched for."""
    drifts: tuple[Drift, ...] = ()
    """In what the data and the text steps are not those of the run."""
    task: str = ""
    """The task that was evaluated, of several."""
    plan_digest: str = ""
    """The digest of the plan that was evaluated, ``--set`` included."""

    @property
    def split(self) -> str:
        """The split, as it is called among those of all tasks."""
        return among(self.task, self.scored.split)

    def name(self, folder: RunFolder) -> str:
        """What its files are called: the split alone where the run itself would evaluate so."""
        lock, result = folder.read("lock.json") or {}, folder.read("result.json") or {}
        split = self.split.replace("/", ".")
        words = [split]
        if result.get("checkpoint") != self.weights.name:
            words.append(self.weights.name.replace(":", "-"))
        if self.plan_digest != lock.get("digests", {}).get("all"):
            words.append(f"spec-{self.plan_digest[:SHORT]}")
        known = lock.get("files", {}).get(self.split)
        before = folder.read(f"evaluations/{split}.json")
        known = before.get("files") if known is None and before else known
        if known is not None and known != self.files:
            words.append(f"data-{digest(self.files)[:SHORT]}")
        return ".".join(words)

    @property
    def files(self) -> dict[str, str]:
        """SHA-256 of every file that the split was read from."""
        return dict(self.assembled.prepared.files[self.scored.split])

    def as_json(self) -> dict[str, Any]:
        """Everything but the predictions; rates are fractions."""
        found: dict[str, Any] = {
            **({"task": self.task} if self.task else {}),
            "split": self.scored.split,
            "checkpoint": self.weights.name,
            "step": self.weights.checkpoint.step,
            "metrics": dict(self.scored.metrics),
            "signatures": dict(self.scored.signatures),
        }
        if self.weights.steps:
            found["averaged_steps"] = list(self.weights.steps)
        if self.search is not None:
            found["search"] = dict(self.search)
        if self.scored.parts:
            found["parts"] = {name: dict(metrics) for name, metrics in self.scored.parts.items()}
        if self.scored.baselines:
            found["baselines"] = {name: dict(one) for name, one in self.scored.baselines.items()}
        if self.scored.details:
            found["details"] = {name: dict(one) for name, one in self.scored.details.items()}
        if self.scored.language_model:
            found["language_model"] = dict(self.scored.language_model)
        if self.drifts:
            found["drifts"] = [str(drift) for drift in self.drifts]
        return found

    def save(self, folder: RunFolder, *, output: Path | None = None) -> list[Path]:
        """Keep predictions and record, below the run or in ``output``; gives what was written."""
        name = self.name(folder)
        predictions, records = (output, output) if output else (folder.predictions, folder.evaluations)
        written = write_predictions(predictions / f"{name}.jsonl", self.assembled, self.scored)
        record = {**self.as_json(), "plan": self.plan_digest, "files": self.files}
        text = json.dumps(record, indent=1, ensure_ascii=False)
        records.mkdir(parents=True, exist_ok=True)
        write_durably(records / f"{name}.json", text.encode() + b"\n")
        return [*written, records / f"{name}.json"]


def drifts_of(folder: RunFolder, assembled: Assembled, split: str, *, task: str = "") -> tuple[Drift, ...]:
    """Files of ``split``, what else decides its records, and text steps, where they are not as the run's lock
    says.
    """
    lock = folder.read("lock.json") or {}
    found: list[Drift] = []
    locked = lock.get("files", {}).get(among(task, split))
    if locked is not None:
        found += compared(f"files.{among(task, split)}", locked, dict(assembled.prepared.files[split]))
    for what, locked_digest in locked_records(folder, task=task).items():
        now = record_digests(assembled.prepared.parts).get(what)
        found += compared(f"records.{task}.{what}" if task else f"records.{what}", locked_digest, now)
    for role, steps in assembled.prepared.parts.text.items():
        name = in_whole(task, role)
        if name in lock.get("text", {}):
            found += compared(f"text.{name}", lock["text"][name], steps.fingerprint())
    return tuple(found)
