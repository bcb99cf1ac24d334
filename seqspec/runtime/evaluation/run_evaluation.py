"""The evaluations of a run: while it trains, and of whole splits at its end, with what the report shows."""

from __future__ import annotations

import contextlib
import json
import math
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from seqspec.data.batching.batch import Batch
from seqspec.data.store.durable import write_durably
from seqspec.runtime.assembly.assemble import in_whole
from seqspec.runtime.assembly.assembled import Assembled
from seqspec.runtime.assembly.default_search import search_of
from seqspec.runtime.checkpoints.checkpoint import folder_name
from seqspec.runtime.checkpoints.selection import chosen, use_weights
from seqspec.runtime.devices.launch import Launch, Place
from seqspec.runtime.devices.processes import gather
from seqspec.runtime.evaluation.alignment import unaligned
from seqspec.runtime.evaluation.attention_image import attention_image
from seqspec.runtime.evaluation.baselines import baselines, symbol_counts
from seqspec.runtime.evaluation.beside_metrics import complete
from seqspec.runtime.evaluation.evaluator import Evaluator, Scored
from seqspec.runtime.evaluation.samples import context, keep_media
from seqspec.runtime.evaluation.shown_images import show_images
from seqspec.runtime.evaluation.task_parts import trained_parts
from seqspec.runtime.report.report import write_report
from seqspec.runtime.run_folder.folder import RunFolder
from seqspec.runtime.training.streams import TaskScores, evaluation_stream, turns_of
from seqspec.schema.types import Classes, Text

if TYPE_CHECKING:
    from seqspec.data.stages.examples import Split
    from seqspec.data.stages.packing import PackedSplit
    from seqspec.runtime.training.step_boundary import EvaluationResult
    from seqspec.runtime.training.training_module import Training


Baselines = dict[str, Mapping[str, Mapping[str, float]]]
"""By split and by how they are made."""


def evaluation(
    assembled: Assembled, module: Training, launch: Launch, place: Place, *, known: Baselines
) -> EvaluationResult:
    """Evaluate the weights as they stand, on as many examples as the spec says; all processes together.

    ``known`` keeps the baselines, which no step changes.
    """
    from seqspec.runtime.training.step_boundary import (
        EvaluationResult,  # loads Lightning, which whoever evaluates a run does not
    )

    found: dict[str, Mapping[str, float]] = {}
    scores: dict[str, float] = {}
    with contextlib.ExitStack() as entered:
        if module.average:
            entered.enter_context(module.average.in_place())
        if module.sharded:
            entered.enter_context(module.sharded.gathered())
        for task, one in assembled.each.items():
            evaluator = replace(evaluator_of(one, launch, module=module), gather=gather)
            for split in one.compiled.plan.experiment.evaluate.splits if evaluator.program.metrics else ():
                name = among(task, split)
                scored = evaluator.score(split, _stream(one, split, module.micro_batches, launch, place))
                found[name] = scored.metrics
                if name not in known:
                    known[name] = baselines(evaluator, one, scored, unigram=symbol_counts(one))
                if scored.score is not None:
                    scores.setdefault(task, scored.score)
    plan = assembled.compiled.plan
    score = together(scores, plan.experiment.evaluate.score)
    return EvaluationResult(found, score, scores if plan.tasks else {}, dict(known))


def _stream(one: Assembled, split: str, micro_batches: int, launch: Launch, place: Place) -> Iterable[Batch]:
    """As many examples of a split as are evaluated while training."""
    limit = one.compiled.plan.experiment.evaluate.max_examples
    return evaluation_stream(
        one.prepared,
        one.prepared.splits[split],
        micro_batches=micro_batches,
        launch=launch,
        place=place,
        limit=limit,
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
    folder: RunFolder, assembled: Assembled, module: Training, launch: Launch, *, scores: TaskScores
) -> tuple[dict[str, Scored], str]:
    """Evaluate the best weights on whole splits and write the report; gives evaluations and checkpoint.

    ``scores`` are those of the tasks while they were trained.
    """
    from seqspec.runtime.training.step_boundary import storage

    best = chosen(folder.checkpoints, "best")
    use_weights(assembled.program.module, best)
    evaluated: dict[str, Scored] = {}
    evaluators = {task: evaluator_of(one, launch) for task, one in assembled.each.items()}
    unigrams: dict[str, np.ndarray] = {}
    for task, one in assembled.each.items():
        evaluate = one.compiled.plan.experiment.evaluate
        counts = symbol_counts(one) if evaluate.metrics else None
        if counts is not None:
            unigrams[task] = counts
        for split in evaluate.splits if evaluate.metrics else ():
            batches = evaluation_stream(
                one.prepared,
                one.prepared.splits[split],
                micro_batches=module.micro_batches,
                launch=launch,
                place=Place(),
            )
            scored = evaluators[task].score(split, batches)
            for line in scored.left_out:
                print(f"warning: {among(task, split)}: {line}", file=sys.stderr)
            evaluated[among(task, split)] = complete(
                evaluators[task], one, scored, launch=launch, unigram=counts
            )
    used = {
        task: evaluator.language_model for task, evaluator in evaluators.items() if evaluator.language_model
    }
    with storage(folder):
        for name, scored in evaluated.items():
            file = folder.predictions / f"{name.replace('/', '.')}.jsonl"
            write_predictions(file, assembled.each[name.rpartition("/")[0]], scored)
        _describe_end(folder, assembled, evaluators, module.micro_batches, launch)
        if assembled.tasks:
            folder.note(
                "tasks.json",
                _describe_tasks(assembled, steps=module.step, each=len(module.cycle.turns), scores=scores),
            )
        folder.note("result.json", {
            "step": module.step, "checkpoint": folder_name(best.step),
            "metrics": {split: dict(one.metrics) for split, one in evaluated.items()},
            "signatures": {split: dict(one.signatures) for split, one in evaluated.items()},
            **_beside("parts", {split: one.parts for split, one in evaluated.items()}),
            **_beside("baselines", {split: one.baselines for split, one in evaluated.items()}),
            **({"language_model": used.get("") or used} if used else {}),
        })  # fmt: skip
        if unigrams:
            folder.note(UNIGRAM, {in_whole(task, "counts"): one.tolist() for task, one in unigrams.items()})
        write_report(folder)
    return evaluated, folder_name(best.step)


UNIGRAM = "unigram.json"
"""How often each symbol of a language model's vocabulary is a target of the training split."""


def counted(folder: RunFolder, task: str = "") -> np.ndarray | None:
    """The counts that a run has kept; ``None`` where it has none."""
    found = (folder.read(UNIGRAM) or {}).get(in_whole(task, "counts"))
    if not isinstance(found, list) or not all(type(n) is int and n >= 0 for n in found):
        return None
    return np.asarray(found, np.int64)


def _beside(name: str, by_split: Mapping[str, Mapping[str, Mapping[str, float]]]) -> dict[str, Any]:
    """An entry of ``result.json`` for what some splits have and others have not."""
    found = {split: {key: dict(one) for key, one in held.items()} for split, held in by_split.items() if held}
    return {name: found} if found else {}


def _describe_end(
    folder: RunFolder,
    assembled: Assembled,
    evaluators: Mapping[str, Evaluator],
    micro_batches: int,
    launch: Launch,
) -> None:
    """What the report tells of the data, and one image of where the model looks."""
    examples: dict[str, int] = {}
    dropped: dict[str, Mapping[str, int]] = {}
    for task, one in assembled.each.items():
        splits = ("train", *one.compiled.plan.experiment.evaluate.splits)
        examples |= {among(task, split): len(one.prepared.splits[split]) for split in splits}
        dropped |= {among(task, split): counts for split, counts in one.prepared.dropped.items()}
    folder.note("data.json", {"examples": examples, "dropped": dropped, **_beyond_rows(assembled)})
    for task, one in assembled.each.items():
        if hasattr(one.program.module, "show"):
            _show(folder, task, one, evaluators[task], micro_batches, launch)
    for task, one in assembled.each.items():
        if _describe_attention(folder, one, evaluators[task], micro_batches, launch):
            return


def _beyond_rows(assembled: Assembled) -> dict[str, dict[str, int]]:
    """Tokens of packed training splits that fill no row, where there are any."""
    splits = {task: one.prepared.splits["train"] for task, one in assembled.each.items()}
    counts = {among(task, "train"): getattr(split, "num_left_out", 0) for task, split in splits.items()}
    found = {name: count for name, count in counts.items() if count}
    return {"tokens_left_out": found} if found else {}


def _describe_tasks(assembled: Assembled, *, steps: int, each: int, scores: TaskScores) -> dict[str, Any]:
    """Which task trains which part, and how often each had a turn in so many steps of ``each`` updates."""
    turns = turns_of(assembled, scores=scores, updates=each)
    assert turns is not None
    had = turns.counts(steps * each)
    tasks = {
        name: {"turns": had[name], "examples": size, "weight": assembled.program.weight(name)}
        for name, size in turns.sizes.items()
    }
    return {"tasks": tasks, "parts": trained_parts(assembled.program)}


def _describe_attention(
    folder: RunFolder, assembled: Assembled, evaluator: Evaluator, micro_batches: int, launch: Launch
) -> bool:
    """Note where the model looks at one example; gives whether it looks anywhere."""
    prepared = assembled.prepared
    split = prepared.splits[("train", *assembled.compiled.plan.experiment.evaluate.splits)[-1]]
    stream = evaluation_stream(
        prepared, split, micro_batches=micro_batches, launch=launch, place=Place(), limit=min(len(split), 50)
    )
    model, batch = assembled.program.module, next(iter(stream))
    seen = attention_image(model, batch, device=evaluator.device)
    if not seen:
        return False
    lost = unaligned(model, batch, prepared.parts.roles, device=evaluator.device)
    if lost is not None:
        print(f"warning: {lost}", file=sys.stderr)
    index, weights = seen
    folder.note(
        "attention.json",
        {"id": split.id(index), "target": _shown_text(split, index), "weights": weights},
    )
    return True


def _show(
    folder: RunFolder,
    task: str,
    assembled: Assembled,
    evaluator: Evaluator,
    micro_batches: int,
    launch: Launch,
) -> None:
    """What the model of a task shows of itself."""
    prepared = assembled.prepared
    split = prepared.splits[("train", *assembled.compiled.plan.experiment.evaluate.splits)[-1]]
    stream = evaluation_stream(
        prepared, split, micro_batches=micro_batches, launch=launch, place=Place(), limit=min(len(split), 50)
    )
    place = folder.predictions / task if task else folder.predictions
    seed = assembled.compiled.plan.experiment.seed
    model, first = assembled.program.module, next(iter(stream))
    show_images(place, model, first, device=evaluator.device, seed=seed, search=evaluator.searcher)


def _shown_text(split: Split | PackedSplit, index: int) -> str:
    """The text of an example: its target's, else its source's."""
    texts = (role for role in ("target", "source") if isinstance(split.roles.get(role), Text | Classes))
    role = next(texts, None)
    return "" if role is None else split.text(role, index)


def evaluator_of(assembled: Assembled, launch: Launch, *, module: Training | None = None) -> Evaluator:
    """The evaluator of one program over its prepared splits."""
    prepared = assembled.prepared
    parts = prepared.parts
    device = module.device if module is not None else torch.device(launch.accelerator)
    if module is None:
        assembled.program.module.to(device)

    def decode(ids: Sequence[int]) -> str:
        if "target" in parts.text:
            return parts.text["target"].decode(ids)
        return " ".join(prepared.labels["target"][i] for i in ids)

    written = isinstance(parts.roles.get("target"), Text | Classes)

    def reference(split: str, index: int) -> str:
        return prepared.splits[split].text("target", index) if written else ""

    def text_of(split: str, field: str, index: int) -> str:
        return prepared.splits[split].text(field, index)

    searcher = search_of(assembled.program)
    asked = any(metric.reads == "probabilities" for metric in assembled.program.metrics)
    labels = prepared.labels.get("target", ()) if asked else ()
    if labels and searcher is None:
        searcher = len(labels)  # A classifier ranks as many labels as it is asked for.
    return Evaluator(assembled.program, searcher, decode, reference, device, text_of, labels=labels)


def write_predictions(path: Path, assembled: Assembled, scored: Scored) -> list[Path]:
    """One line an example: id, reference, hypothesis, score, and the texts of further fields; no file where
    nothing was predicted.  Beside it, media of a few examples.  Gives the file that was written.
    """
    split = assembled.prepared.splits[scored.split]
    if not scored.found:
        path.unlink(missing_ok=True)  # Of another evaluation, whose rows are not these.
        keep_media(path, split, scored.samples)
        return []
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
                **context(split, one.index),
                **({"fields": {role: split.text(role, one.index) for role in others}} if others else {}),
            },
            ensure_ascii=False,
        )
        for one in scored.found
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    write_durably(path, "".join(line + "\n" for line in lines).encode("utf-8", "surrogatepass"))
    keep_media(path, split, scored.samples)
    return [path]
