"""Results of runs and evaluations for people and as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

from seqspec.compile.commands import Outcome
from seqspec.runtime.report.numbers import shown
from seqspec.schema.diagnostic import Exit

if TYPE_CHECKING:
    from seqspec.runtime.evaluation.evaluator import Scored
    from seqspec.runtime.evaluation.record import Evaluation
    from seqspec.runtime.run_folder.folder import RunFolder
    from seqspec.runtime.run_stages.carry_out import Result

Format = Literal["text", "json"]


def result_outcome(result: Result, format: Format) -> Outcome:
    """What ``run`` prints at its end; the last line is the run directory."""
    path = str(result.folder.path)
    if result.exit is not Exit.CLEAN:
        return Outcome(f"{path}\n", exit=result.exit)
    metrics = {split: dict(one.metrics) for split, one in result.evaluated.items()}
    signatures = {split: dict(one.signatures) for split, one in result.evaluated.items()}
    if format == "json":
        first = next(iter(metrics), None)
        found = {"run": path, "split": first, "checkpoint": result.checkpoint,
                 "metrics": metrics[first] if first else {}, "splits": metrics,
                 "signatures": signatures}  # fmt: skip
        return Outcome(json.dumps(found, ensure_ascii=False) + "\n")
    beside = scored_beside(result.evaluated)
    evaluated = f"evaluated with {result.checkpoint}\n" if metrics else ""
    report = f"report {result.folder.report}\n" if result.folder.report.exists() else ""
    # Of several processes one has evaluated.
    notes = notes_of(result.folder, evaluated=bool(metrics)) if result.checkpoint else ""
    return Outcome(f"{metric_lines(metrics, signatures)}{beside}{evaluated}{report}{path}\n", notes)


def evaluation_text(found: Evaluation) -> str:
    """Scores, what stands beside them, and the weights and search that gave them."""
    scored, name = found.scored, found.split
    lines = metric_lines({name: scored.metrics}, {name: scored.signatures})
    beside = scored_beside({name: scored})
    search = f"|search:{found.search['type']}" if found.search else ""
    return f"{lines}{beside}{name:10s} {'':24s} weights:{found.weights.name}{search}\n"


def metric_lines(
    metrics: Mapping[str, Mapping[str, float]], signatures: Mapping[str, Mapping[str, str]]
) -> str:
    """Metrics for people: a line each, rates of errors as percentages, signatures below."""
    lines = []
    for split, values in metrics.items():
        lines += [f"{split:10s} {name:24s} {shown(name, value)}" for name, value in values.items()]
        lines += [f"{split:10s} {'':24s} {text}" for text in signatures.get(split, {}).values()]
    return "".join(line + "\n" for line in lines)


def scored_beside(scored: Mapping[str, Scored]) -> str:
    """The parts of a mixture and the baselines of each split, a line a metric; confusions of labels."""
    lines = []
    for split, one in scored.items():
        beside = {f"{split}/{part}": metrics for part, metrics in one.parts.items()}
        beside |= {f"{split} ({name})": metrics for name, metrics in one.baselines.items()}
        for name, metrics in beside.items():
            lines += [f"{name:10s} {metric:24s} {shown(metric, value)}" for metric, value in metrics.items()]
        lines += [f"{split:10s} {line}" for line in _confused(one)]
    return "".join(line + "\n" for line in lines)


def _confused(scored: Scored) -> list[str]:
    from seqspec.runtime.evaluation.beside_metrics import LABELS
    from seqspec.runtime.evaluation.label_details import confusion_lines

    return confusion_lines(dict(scored.details[LABELS])) if LABELS in scored.details else []


def notes_of(folder: RunFolder, *, evaluated: bool) -> str:
    """What a person should know of a run beside its result."""
    dropped: dict[str, dict[str, int]] = (folder.read("data.json") or {}).get("dropped", {})
    lost = ", ".join(f"{sum(counts.values()):,} of {split}" for split, counts in dropped.items() if counts)
    notes = [f"rows were left out: {lost}; `seqspec data prepare` says why"] if lost else []
    if not evaluated:
        notes.append("nothing was evaluated: `evaluate.metrics` names no metric")
    return "".join(f"note: {note}\n" for note in notes)
