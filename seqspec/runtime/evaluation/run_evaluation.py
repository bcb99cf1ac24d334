"""The judgements of a run: while it trains, and of whole splits at its end, with what the report shows."""

from __future__ import annotations

import contextlib
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from seqspec.data.batching.batch import Batch
from seqspec.data.store.durable import write_durably
from seqspec.runtime.assembly.assembled import Assembled
from seqspec.runtime.assembly.default_search import search_of
from seqspec.runtime.checkpoints.checkpoint import folder_name
from seqspec.runtime.checkpoints.selection import chosen, use_weights
from seqspec.runtime.devices.launch import Launch, Place
from seqspec.runtime.devices.processes import gather
from seqspec.runtime.evaluation.attention_image import look
from seqspec.runtime.evaluation.evaluator import Judge, Scored
from seqspec.runtime.evaluation.mixture import score_parts
from seqspec.runtime.evaluation.task_parts import trained_parts
from seqspec.runtime.report.report import write_report
from seqspec.runtime.run_folder.folder import RunFolder
from seqspec.runtime.training.streams import evaluation_stream, turns_of
from seqspec.schema.types import Classes, Text

if TYPE_CHECKING:
    from seqspec.runtime.training.step_boundary import Judgement
    from seqspec.runtime.training.training_module import Training


def judgement(assembled: Assembled, module: Training, launch: Launch, place: Place) -> Judgement:
    """Judge the weights as they stand, on as many examples as the spec says; all processes together."""
    from seqspec.runtime.training.step_boundary import (
        Judgement,  # loads Lightning, which whoever evaluates a run does not
    )

    found: dict[str, Mapping[str, float]] = {}
    scores: dict[str, float] = {}
    with module.average.in_place() if module.average else contextlib.nullcontext():
        for task, one in assembled.each.items():
            judge = replace(judge_of(one, launch, module=module), gather=gather)
            for split in one.compiled.plan.experiment.evaluate.splits if judge.program.metrics else ():
                scored = judge.score(split, _stream(one, split, module.slices, launch, place))
                found[among(task, split)] = scored.metrics
                if scored.score is not None:
                    scores.setdefault(task, scored.score)
    plan = assembled.compiled.plan
    return Judgement(found, together(scores, plan.experiment.evaluate.score), scores if plan.tasks else {})


def _stream(one: Assembled, split: str, slices: int, launch: Launch, place: Place) -> Iterable[Batch]:
    """As many examples of a split as are evaluated while training."""
    limit = one.compiled.plan.experiment.evaluate.max_examples
    return evaluation_stream(
        one.prepared, one.prepared.splits[split], slices=slices, launch=launch, place=place, limit=limit
    )


def among(task: str, split: str) -> str:
    """What a split is called among those of all tasks."""
    return f"{task}/{split}" if task else split


def together(scores: Mapping[str, float], asked: str | Mapping[str, float] | None) -> float | None:
    """The one score of several tasks: that of the task that is asked for, or a weighted mean; of one task,
    its own.
    """
    if isinstance(asked, str):
        return scores.get(asked)
    weights = {task: 1.0 if asked is None else asked.get(task, 0.0) for task in scores}
    total = math.fsum(weights.values())
    if not total:
        return None
    return math.fsum(weights[task] * score for task, score in scores.items()) / total


def conclude(
    folder: RunFolder, assembled: Assembled, module: Training, launch: Launch
) -> tuple[dict[str, Scored], str]:
    """Judge the best weights on whole splits and write the report; gives judgements and checkpoint."""
    from seqspec.runtime.training.step_boundary import storage

    best = chosen(folder.checkpoints, "best")
    use_weights(assembled.program.model, best)
    judged: dict[str, Scored] = {}
    judges = {task: judge_of(one, launch) for task, one in assembled.each.items()}
    for task, one in assembled.each.items():
        evaluate = one.compiled.plan.experiment.evaluate
        for split in evaluate.splits if evaluate.metrics else ():
            batches = evaluation_stream(
                one.prepared, one.prepared.splits[split], slices=module.slices, launch=launch, place=Place()
            )
            scored = judges[task].score(split, batches)
            parts = score_parts(judges[task], one, scored, launch=launch)
            judged[among(task, split)] = replace(scored, parts=parts)
    used = {task: judge.language_model for task, judge in judges.items() if judge.language_model}
    with storage(folder):
        for name, scored in judged.items():
            file = folder.predictions / f"{name.replace('/', '.')}.jsonl"
            write_predictions(file, assembled.each[name.rpartition("/")[0]], scored)
        _describe_end(folder, assembled, judges, module.slices, launch)
        if assembled.tasks:
            folder.note(
                "tasks.json", _describe_tasks(assembled, updates=module.step * len(module.cycle.turns))
            )
        folder.note("result.json", {
            "step": module.step, "checkpoint": folder_name(best.step),
            "metrics": {split: dict(one.metrics) for split, one in judged.items()},
            "signatures": {split: dict(one.signatures) for split, one in judged.items()},
            **({"language_model": used.get("") or used} if used else {}),
        })  # fmt: skip
        write_report(folder)
    return judged, folder_name(best.step)


def _describe_end(
    folder: RunFolder, assembled: Assembled, judges: Mapping[str, Judge], slices: int, launch: Launch
) -> None:
    """What the report tells of the data, and one picture of where the model looks."""
    examples: dict[str, int] = {}
    dropped: dict[str, Mapping[str, int]] = {}
    for task, one in assembled.each.items():
        splits = ("train", *one.compiled.plan.experiment.evaluate.splits)
        examples |= {among(task, split): len(one.prepared.splits[split]) for split in splits}
        dropped |= {among(task, split): counts for split, counts in one.prepared.dropped.items()}
    folder.note("data.json", {"examples": examples, "dropped": dropped})
    for task, one in assembled.each.items():
        if _describe_attention(folder, one, judges[task], slices, launch):
            return


def _describe_tasks(assembled: Assembled, *, updates: int) -> dict[str, Any]:
    """Which task trains which part, and how often each had a turn."""
    turns = turns_of(assembled)
    assert turns is not None
    had = turns.counts(updates)
    tasks = {
        name: {"turns": had[name], "examples": size, "weight": assembled.program.weight(name)}
        for name, size in turns.sizes.items()
    }
    return {"tasks": tasks, "parts": trained_parts(assembled.program)}


def _describe_attention(
    folder: RunFolder, assembled: Assembled, judge: Judge, slices: int, launch: Launch
) -> bool:
    """Note where the model looks at one example; gives whether it looks anywhere."""
    prepared = assembled.prepared
    split = prepared.splits[("train", *assembled.compiled.plan.experiment.evaluate.splits)[-1]]
    stream = evaluation_stream(
        prepared, split, slices=slices, launch=launch, place=Place(), limit=min(len(split), 50)
    )
    seen = look(assembled.program.model, next(iter(stream)), device=judge.device)
    if not seen:
        return False
    index, weights = seen
    folder.note(
        "attention.json",
        {"id": split.id(index), "target": split.text("target", index), "weights": weights},
    )
    return True


def judge_of(assembled: Assembled, launch: Launch, *, module: Training | None = None) -> Judge:
    """The judge of one program over its prepared splits."""
    prepared = assembled.prepared
    parts = prepared.parts
    device = module.device if module is not None else torch.device(launch.accelerator)
    if module is None:
        assembled.program.model.to(device)

    def decode(ids: Sequence[int]) -> str:
        if "target" in parts.text:
            return parts.text["target"].decode(ids)
        return " ".join(prepared.labels["target"][i] for i in ids)

    return Judge(
        assembled.program,
        search_of(assembled.program),
        decode,
        lambda split, index: prepared.splits[split].text("target", index),
        device,
    )


def write_predictions(path: Path, assembled: Assembled, scored: Scored) -> list[Path]:
    """One line an example: id, reference, hypothesis, score, and the texts of further fields; no file where
    nothing was predicted.  Gives what was written.
    """
    if not scored.found:
        return []
    split = assembled.prepared.splits[scored.split]
    others = [
        role
        for role, type_ in split.roles.items()
        if isinstance(type_, Text | Classes) and role not in ("source", "target")
    ]
    lines = (
        json.dumps(
            {
                "id": split.id(one.index),
                "reference": split.text("target", one.index),
                "hypothesis": one.hypotheses[0][0],
                "score": one.hypotheses[0][1],
                **({"fields": {role: split.text(role, one.index) for role in others}} if others else {}),
            },
            ensure_ascii=False,
        )
        for one in scored.found
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    write_durably(path, "".join(line + "\n" for line in lines).encode("utf-8", "surrogatepass"))
    return [path]
