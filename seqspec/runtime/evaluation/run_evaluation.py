"""The judgements of a run: while it trains, and of whole splits at its end, with what the report shows."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import torch

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
from seqspec.runtime.evaluation.value_files import write_value
from seqspec.runtime.report.report import write_report
from seqspec.runtime.run_folder.folder import RunFolder
from seqspec.runtime.training.streams import evaluation_stream
from seqspec.schema.types import Classes, Text

if TYPE_CHECKING:
    from seqspec.data.stages.examples import Split
    from seqspec.data.stages.packing import PackedSplit
    from seqspec.runtime.training.step_boundary import Judgement
    from seqspec.runtime.training.training_module import Training


def judgement(assembled: Assembled, module: Training, launch: Launch, place: Place) -> Judgement:
    """Judge the weights as they stand, on as many examples as the spec says; all processes together."""
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
            score = scored.score if score is None else score
    return Judgement(found, score)


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
    for split in evaluate.splits if evaluate.metrics else ():
        batches = evaluation_stream(
            assembled.prepared,
            assembled.prepared.splits[split],
            slices=module.slices,
            launch=launch,
            place=Place(),
        )
        scored = judge.score(split, batches)
        judged[split] = replace(scored, parts=score_parts(judge, assembled, scored, launch=launch))
    with storage(folder):
        for scored in judged.values():
            write_predictions(folder.predictions / f"{scored.split}.jsonl", assembled, scored)
        _describe_end(folder, assembled, judge, module.slices, launch)
        folder.note("result.json", {
            "step": module.step, "checkpoint": folder_name(best.step),
            "metrics": {split: dict(one.metrics) for split, one in judged.items()},
            "signatures": {split: dict(one.signatures) for split, one in judged.items()},
            **({"language_model": judge.language_model} if judge.language_model else {}),
        })  # fmt: skip
        write_report(folder)
    return judged, folder_name(best.step)


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
            {"id": split.id(index), "target": _shown_text(split, index), "weights": weights},
        )


def _shown_text(split: Split | PackedSplit, index: int) -> str:
    """The text of an example: its target's, else its source's."""
    texts = (role for role in ("target", "source") if isinstance(split.roles.get(role), Text | Classes))
    role = next(texts, None)
    return "" if role is None else split.text(role, index)


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

    return Judge(assembled.program, search_of(assembled.program), decode, reference, device)


def write_predictions(path: Path, assembled: Assembled, scored: Scored) -> list[Path]:
    """One line an example: id, reference, hypothesis, score, and the texts of further fields; no file where
    nothing was predicted.  Gives what was written.
    """
    sampled = _write_samples(path, assembled, scored)
    if not scored.found:
        return sampled
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
    return [path, *sampled]


def _write_samples(path: Path, assembled: Assembled, scored: Scored) -> list[Path]:
    """The first predicted values beside what the examples hold, as files in a folder of their own; a line an
    example names them.
    """
    if not scored.samples:
        return []
    split = assembled.prepared.splits[scored.split]
    folder = path.with_name(f"{path.stem}.samples")
    folder.mkdir(parents=True, exist_ok=True)
    written: list[Path] = []
    lines: list[str] = []
    for sample in scored.samples:
        pair = {"prediction": sample.prediction, "reference": sample.reference}
        files = {
            which: write_value(value, folder / f"{sample.index:05d}.{which}")
            for which, value in pair.items()
            if value is not None
        }
        written += [file for named in files.values() for file in named]
        texts = {
            role: split.text(role, sample.index)
            for role, type_ in split.roles.items()
            if isinstance(type_, Text | Classes)
        }
        named = {which: [file.name for file in found] for which, found in files.items()}
        lines.append(json.dumps({"id": split.id(sample.index), **named, "fields": texts}, ensure_ascii=False))
    index = folder / "index.jsonl"
    write_durably(index, "".join(line + "\n" for line in lines).encode("utf-8", "surrogatepass"))
    return [index, *written]
