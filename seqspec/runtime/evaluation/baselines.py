"""What answers score for which nothing had to be learned: the commonest label, the source itself, symbols by
their frequency.
"""

# V vocabulary

from __future__ import annotations

import copy
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from seqspec.data.batching.collate import AnySplit
from seqspec.data.stages.examples import Split
from seqspec.data.stages.packing import PackedSplit
from seqspec.runtime.assembly.assembled import Assembled
from seqspec.runtime.evaluation.evaluator import Evaluator, Found, Scored
from seqspec.schema.types import EOS, PAD, Classes, Text

MOST_COUNTED = 20_000_000
"""Training symbols whose frequencies are counted."""
BLOCK = 1 << 20


def baselines(
    evaluator: Evaluator, assembled: Assembled, scored: Scored, *, unigram: np.ndarray | None = None
) -> dict[str, Mapping[str, float]]:
    """The metrics of each baseline that the experiment has, on the examples that were scored.

    ``unigram`` are the counts of ``symbol_counts``, for a language model.
    """
    roles, found = assembled.prepared.parts.roles, {}
    if isinstance(roles.get("target"), Classes):
        found["majority"] = _majority(evaluator, assembled, scored)
    elif isinstance(roles.get("target"), Text) and isinstance(roles.get("source"), Text):
        found["copy"] = _copy(evaluator, assembled, scored)
    elif unigram is not None and "source" not in roles:
        split = assembled.prepared.splits[scored.split]
        found["unigram"] = _unigram(evaluator, split, unigram)
    return {name: metrics for name, metrics in found.items() if metrics}


def _majority(evaluator: Evaluator, assembled: Assembled, scored: Scored) -> dict[str, float]:
    """The commonest label of the training split, with the labels' shares of it as probabilities."""
    names = assembled.prepared.labels.get("target", ())
    counts = assembled.prepared.label_counts.get("target", ())
    if not names or not any(counts):
        return {}
    examples = sum(counts)
    shares = {name: math.log(n / examples) if n else -math.inf for name, n in zip(names, counts, strict=True)}
    best = max(names, key=lambda name: shares[name])
    answer = ((best, shares[best]),)
    return evaluator.rescored(scored.split, [Found(one.index, answer, shares) for one in scored.found])


def _copy(evaluator: Evaluator, assembled: Assembled, scored: Scored) -> dict[str, float]:
    """The source text, as it stands in the corpus."""
    split = assembled.prepared.splits[scored.split]
    return evaluator.rescored(
        scored.split, [Found(one.index, ((split.text("source", one.index), 0.0),)) for one in scored.found]
    )


def symbol_counts(assembled: Assembled) -> np.ndarray | None:
    """``[V]``: how often each id is a target of the training split, ends included; ``None`` where the
    experiment is no language model of text.
    """
    parts, learned = assembled.prepared.parts, assembled.prepared.splits["train"]
    if "source" in parts.roles or not isinstance(parts.roles.get("target"), Text):
        return None
    held = learned.texts if isinstance(learned, PackedSplit) else learned
    counts = np.zeros(parts.text["target"].vocab_size, np.int64)
    values = held.ids["target"].values("ids")[:MOST_COUNTED]
    for start in range(0, len(values), BLOCK):
        counts += np.bincount(np.asarray(values[start : start + BLOCK]), minlength=len(counts))
    counts[EOS] += len(held)
    return counts


def _unigram(evaluator: Evaluator, split: AnySplit, counts_V: np.ndarray) -> dict[str, float]:
    """Symbols by their frequency, each counted once more than it occurs (Laplace)."""
    log_p_V = np.log((counts_V + 1) / (counts_V.sum() + len(counts_V)))
    seen_V = np.zeros_like(counts_V)
    for index in range(len(split)):
        seen_V += np.bincount(_targets(split, index), minlength=len(counts_V))
    seen_V[PAD] = 0
    texts = [evaluator.reference(split.name, index) for index in range(len(split))]
    sums = {
        "nll": float(-(log_p_V * seen_V).sum()),
        "targets": float(seen_V.sum()),
        "correct": float(seen_V[int(log_p_V.argmax())]),
        "characters": float(sum(map(len, texts))),
        "bytes": float(sum(len(text.encode("utf-8", "surrogatepass")) for text in texts)),
    }
    return _forced(evaluator, sums)


def _targets(split: AnySplit, index: int) -> np.ndarray:
    """The ids that are learned of one example."""
    if isinstance(split, Split):
        return np.append(np.asarray(split.value("target", index), np.int64), EOS)
    return split.row(index).labels


def _forced(evaluator: Evaluator, sums: Mapping[str, float]) -> dict[str, float]:
    """The metrics of scored references that these sums are enough for."""
    metrics: list[Any] = [copy.deepcopy(metric) for metric in evaluator.program.metrics]
    for metric in metrics:
        if metric.reads == "teacher_forced" and set(metric.needs) <= set(sums):
            metric.update(sums)
    named = zip(metrics, evaluator.computed(metrics), strict=True)
    return {
        name: value
        for metric, values in named
        if metric.reads == "teacher_forced" and set(metric.needs) <= set(sums)
        for name, value in values.items()
    }
