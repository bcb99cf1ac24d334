"""The judgements of a run: while it trains, and of whole splits at its end, with what the report shows."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from seqspec.data.store.durable import write_durably
from seqspec.runtime.assembly.assembled import Assembled
from seqspec.runtime.assembly.default_search import search_of
from seqspec.runtime.checkpoints.checkpoint import folder_name
from seqspec.runtime.checkpoints.selection import chosen, use_weights
from seqspec.runtime.devices.launch import Launch, Place
from seqspec.runtime.devices.processes import gather
from seqspec.runtime.evaluation.attention_image import look
from seqspec.runtime.evaluation.baselines import baselines, symbol_counts
from seqspec.runtime.evaluation.complete import complete
from seqspec.runtime.evaluation.evaluator import Judge, Scored
from seqspec.runtime.report.report import write_report
from seqspec.runtime.run_folder.folder import RunFolder
from seqspec.runtime.training.streams import evaluation_stream
from seqspec.schema.types import Classes, Text

if TYPE_CHECKING:
    from seqspec.runtime.training.step_boundary import Judgement
    from seqspec.runtime.training.training_module import Training


Baselines = dict[str, Mapping[str, Mapping[str, float]]]
"""By split and by how they are made."""


def judgement(
    assembled: Assembled, module: Training, launch: Launch, place: Place, *, known: Baselines
) -> Judgement:
    """Judge the weights as they stand, on as many examples as the spec says; all processes together.

    ``known`` keeps the baselines, which no step changes.
    """
    from seqspec.runtime.training.step_boundary import (
        Judgement,  # loads Lightning, which whoever evaluates a run does not
    )

    evaluate = assembled.compiled.plan.experiment.evaluate
    judge = replace(judge_of(assembled, launch, module=module), gather=gather)
    found: dict[str, Mapping[str, float]] = {}
    score: float | None = None
    with module.average.in_place() if module.average else contextlib.nullcontext():
        for split in evaluate.splits:
            batches = evaluation_stream(
                assembled.prepared,
                assembled.prepared.splits[split],
                slices=module.slices,
                launch=launch,
                place=place,
                limit=evaluate.max_examples,
            )
            scored = judge.score(split, batches)
            found[split] = scored.metrics
            if split not in known:
                known[split] = baselines(judge, assembled, scored, unigram=symbol_counts(assembled))
            score = scored.score if score is None else score
    return Judgement(found, score, dict(known))


def conclude(
    folder: RunFolder, assembled: Assembled, module: Training, launch: Launch
) -> tuple[dict[str, Scored], str]:
    """Judge the best weights on whole splits and write the report; gives judgements and checkpoint."""
    from seqspec.runtime.training.step_boundary import storage

    evaluate = assembled.compiled.plan.experiment.evaluate
    best = chosen(folder.checkpoints, "best")
    use_weights(assembled.program.model, best)
    judge = judge_of(assembled, launch)
    judged: dict[str, Scored] = {}
    unigram = symbol_counts(assembled) if evaluate.metrics else None
    for split in evaluate.splits if evaluate.metrics else ():
        batches = evaluation_stream(
            assembled.prepared,
            assembled.prepared.splits[split],
            slices=module.slices,
            launch=launch,
            place=Place(),
        )
        scored = judge.score(split, batches)
        judged[split] = complete(judge, assembled, scored, launch=launch, unigram=unigram)
    with storage(folder):
        for scored in judged.values():
            write_predictions(folder.predictions / f"{scored.split}.jsonl", assembled, scored)
        _describe_end(folder, assembled, judge, module.slices, launch)
        folder.note("result.json", {
            "step": module.step, "checkpoint": folder_name(best.step),
            "metrics": {split: dict(one.metrics) for split, one in judged.items()},
            "signatures": {split: dict(one.signatures) for split, one in judged.items()},
            **_beside("parts", {split: one.parts for split, one in judged.items()}),
            **_beside("baselines", {split: one.baselines for split, one in judged.items()}),
            **({"language_model": judge.language_model} if judge.language_model else {}),
        })  # fmt: skip
        if unigram is not None:
            folder.note(UNIGRAM, {"counts": unigram.tolist()})
        write_report(folder)
    return judged, folder_name(best.step)


UNIGRAM = "unigram.json"
"""How often each symbol of a language model's vocabulary is a target of the training split."""


def counted(folder: RunFolder) -> np.ndarray | None:
    """The counts that a run has kept; ``None`` where it has none."""
    found = (folder.read(UNIGRAM) or {}).get("counts")
    if not isinstance(found, list) or not all(type(n) is int and n >= 0 for n in found):
        return None
    return np.asarray(found, np.int64)


def _beside(name: str, by_split: Mapping[str, Mapping[str, Mapping[str, float]]]) -> dict[str, Any]:
    """An entry of ``result.json`` for what some splits have and others have not."""
    found = {split: {key: dict(one) for key, one in held.items()} for split, held in by_split.items() if held}
    return {name: found} if found else {}


def _describe_end(folder: RunFolder, assembled: Assembled, judge: Judge, slices: int, launch: Launch) -> None:
    """What the report tells of the data, and one picture of where the model looks."""
    prepared = assembled.prepared
    splits = ("train", *assembled.compiled.plan.experiment.evaluate.splits)
    examples = {split: len(prepared.splits[split]) for split in splits}
    folder.note("data.json", {"examples": examples, "dropped": prepared.dropped})
    split = prepared.splits[splits[-1]]
    stream = evaluation_stream(
        prepared, split, slices=slices, launch=launch, place=Place(), limit=min(len(split), 50)
    )
    seen = look(assembled.program.model, next(iter(stream)), device=judge.device)
    if seen:
        index, weights = seen
        folder.note(
            "attention.json",
            {"id": split.id(index), "target": split.text("target", index), "weights": weights},
        )


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

    written = isinstance(parts.roles.get("target"), Text | Classes)

    def reference(split: str, index: int) -> str:
        return prepared.splits[split].text("target", index) if written else ""

    searcher = search_of(assembled.program)
    asked = any(metric.reads == "probabilities" for metric in assembled.program.metrics)
    labels = prepared.labels.get("target", ()) if asked else ()
    if labels and searcher is None:
        searcher = len(labels)  # A classifier ranks as many labels as it is asked for.
    return Judge(assembled.program, searcher, decode, reference, device, labels=labels)


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
