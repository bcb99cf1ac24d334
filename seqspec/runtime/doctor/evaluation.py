"""M03 what knowing nothing scores, M15 metrics, M16 what is cut off, M20 vocabularies that agree."""

from __future__ import annotations

import copy
import math
from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

from seqspec.data.inspect.finding import Finding, Table
from seqspec.data.stages.packing import PackedSplit
from seqspec.runtime.doctor.subject import Patient
from seqspec.schema.types import Classes, Text

MOST_EVALUATED = 500


def check(patient: Patient) -> Iterator[Finding]:
    """Around the model: baselines, metrics, limits, vocabularies."""
    if _is_written(patient):
        yield _baselines(patient)
        yield from _metrics(patient)
    yield _limits(patient)
    yield _vocabulary(patient)


def _is_written(patient: Patient) -> bool:
    """Whether targets are texts or labels, which can be guessed and scored as such."""
    return isinstance(patient.prepared.parts.roles.get("target"), Text | Classes)


def _texts(patient: Patient, role: str) -> list[str]:
    """Texts of a role of the split that is evaluated on."""
    wanted = patient.program.plan.experiment.evaluate.splits
    split = patient.prepared.splits[next((name for name in wanted if name != "train"), "train")]
    held = split.texts if isinstance(split, PackedSplit) else split
    return [held.text(role, index) for index in range(min(len(held), MOST_EVALUATED))]


def _baselines(patient: Patient) -> Finding:
    train = patient.train.texts if isinstance(patient.train, PackedSplit) else patient.train
    references = _texts(patient, "target")
    commonest = Counter(train.text("target", i) for i in range(min(len(train), 50_000))).most_common(1)[0][0]
    guesses = {
        "the commonest training target": [commonest] * len(references),
        "nothing": [""] * len(references),
    }
    if isinstance(train.roles.get("source"), Text):
        guesses["the source, copied"] = _texts(patient, "source")
    rows = [
        (f"{metric_name} of {guess}", value)
        for guess, hypotheses in guesses.items()
        for metric_name, value in _scores(patient, hypotheses, references).items()
    ]
    unigram = _unigram(patient)
    rows.append(("nats a target of train's symbol frequencies", round(unigram, 4)))
    told = "; ".join(f"{name} {value:.3g}" for name, value in rows[:4])
    return Finding(
        "M03", "ok", f"what a model must beat: {told}", numbers={name: round(v, 5) for name, v in rows},
        figures=[Table("Baselines", ("of", "score"), rows)],
    )  # fmt: skip


def _unigram(patient: Patient) -> float:
    """Entropy of the training targets' symbols, in nats."""
    counts: Counter[int] = Counter()
    for index in range(min(len(patient.train), 20_000)):
        counts.update(np.atleast_1d(np.asarray(patient.target(index))).tolist())
    total = sum(counts.values())
    return -sum(n / total * math.log(n / total) for n in counts.values())


def _scores(patient: Patient, hypotheses: list[str], references: list[str]) -> dict[str, float]:
    """The first number of each metric that reads text."""
    found = {}
    for metric in patient.program.metrics:
        if metric.reads == "text":
            fresh = copy.deepcopy(metric)
            for hypothesis, reference in zip(hypotheses, references, strict=True):
                fresh.update(hypothesis, reference)
            name, value = next(iter(fresh.compute().items()))
            found[name] = float(value)
    return found


def _metrics(patient: Patient) -> Iterator[Finding]:
    references = [text for text in _texts(patient, "target") if text.strip()][:100]
    perfect = _scores(patient, references, references)
    empty = _scores(patient, [""] * len(references), references)
    reading = [metric for metric in patient.program.metrics if metric.reads == "text"]
    for metric, name in zip(reading, perfect, strict=True):
        lower = metric.better == "lower"
        good = perfect[name] == 0.0 if lower else perfect[name] > empty[name]
        good = good and (empty[name] > perfect[name] if lower else True)
        yield Finding(
            "M15", "ok" if good else "error",
            f"{name} is {perfect[name]:.4g} of a perfect answer and {empty[name]:.4g} of none",
            "" if good else "the metric does not tell a perfect answer from none",
            numbers={"perfect": perfect[name], "empty": empty[name]}, examples=[metric.signature()],
        )  # fmt: skip
    if not reading:
        told = "no metric of this experiment reads what the model writes"
        yield Finding("M15", "info", told)


def _limits(patient: Patient) -> Finding:
    """Whether the search may write as much as references need, and what filters took from train."""
    prepared = patient.prepared
    lost = sum(prepared.dropped.get("train", {}).values())
    rows = len(patient.train) + lost
    most = _longest_answer(patient.searcher)
    longer = 0 if most is None else sum(_longer(most, prepared.splits[name]) for name in prepared.dropped)
    told = f"{lost:,} of {rows:,} training rows are left out; " + (
        "the search has no limit of its own" if most is None else
        f"the search writes up to {most:,} ids, and {longer:,} references are longer"
    )  # fmt: skip
    return Finding(
        "M16", "warn" if longer else "ok", told,
        "raise the search's limit" if longer else "",
        numbers={"left_out": lost, "longer_than_search": longer},
    )  # fmt: skip


def _longer(most: int, split: Any) -> int:
    """References that have more ids than the search may write; a stream that was cut has none."""
    if isinstance(split, PackedSplit) or "target" not in split.measured:
        return 0
    return int((split.lengths_of("target") > most).sum())


def _longest_answer(searcher: Any) -> int | None:
    for name in ("max_length", "max_tokens", "max_steps"):
        found = getattr(getattr(searcher, "config", None), name, None)
        if isinstance(found, int):
            return found
    return None


def _vocabulary(patient: Patient) -> Finding:
    """The head has an entry for every id, and ids of the data lie below it."""
    head = getattr(patient.model, "head", None)
    weight = getattr(head, "weight_VD", None)
    if not isinstance(weight, torch.Tensor):
        return Finding("M20", "info", "the head keeps no single table; its size was checked by inference")
    batch = patient.batch()
    largest = int(batch.target.max())
    size = len(weight)
    if size != patient.vocab or largest >= size:
        return Finding(
            "M20", "error",
            f"the head has {size:,} entries, the vocabulary {patient.vocab:,}, the largest id {largest:,}",
            "prepare the data again and start from new weights", numbers={"head": size, "ids": patient.vocab},
        )  # fmt: skip
    return Finding("M20", "ok", f"head and vocabulary agree on {size:,} entries", numbers={"head": size})
