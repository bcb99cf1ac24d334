"""What is told beside the metrics of a whole split: parts of a mixture, baselines, and what lies behind each
metric.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from seqspec.data.batching.collate import AnySplit
from seqspec.data.stages.examples import Split
from seqspec.runtime.assembly.assembled import Assembled
from seqspec.runtime.devices.launch import Launch
from seqspec.runtime.evaluation.baselines import baselines
from seqspec.runtime.evaluation.evaluator import Evaluator, Scored
from seqspec.runtime.evaluation.label_details import label_details
from seqspec.runtime.evaluation.mixture import score_parts
from seqspec.runtime.evaluation.utterance_details import Errors, Utterance, utterance_details
from seqspec.schema.types import Classes, Waveform

LABELS = "labels"
"""The name of the details of labels, beside those that are named after metrics."""
SPEAKER = "speaker"
"""What adapters call the speaker of a recording."""


def complete(
    evaluator: Evaluator, assembled: Assembled, scored: Scored, *, launch: Launch, unigram: np.ndarray | None
) -> Scored:
    """``scored`` with everything that is told beside it."""
    split = assembled.prepared.splits[scored.split]
    return replace(
        scored,
        parts=score_parts(evaluator, assembled, scored, launch=launch),
        baselines=baselines(evaluator, assembled, scored, unigram=unigram),
        details={**scored.details, **_details(evaluator, assembled, scored, split)},
    )


def _details(
    evaluator: Evaluator, assembled: Assembled, scored: Scored, split: AnySplit
) -> dict[str, Mapping[str, Any]]:
    roles = assembled.prepared.parts.roles
    if not scored.found:
        return {}
    if isinstance(roles.get("target"), Classes):
        pairs = ((one.hypotheses[0][0], split.text("target", one.index)) for one in scored.found)
        return {LABELS: label_details(pairs, assembled.prepared.labels.get("target", ()))}
    if not isinstance(roles.get("source"), Waveform):
        return {}
    counting = [
        (name, metric)
        for name, metric in zip(evaluator.names, evaluator.program.metrics, strict=True)
        if hasattr(metric, "units")
    ]
    return {name: _errors(metric, scored, split) for name, metric in counting}


def _errors(metric: Any, scored: Scored, split: AnySplit) -> dict[str, Any]:
    errors, utterances = Errors(), []
    for one in scored.found:
        reference = metric.units(split.text("target", one.index))
        count = errors.add(metric.units(one.hypotheses[0][0]), reference)
        utterances.append(Utterance(split.id(one.index), count, len(reference), _speaker(split, one.index)))
    return utterance_details(utterances, errors)


def _speaker(split: AnySplit, index: int) -> str | None:
    if not isinstance(split, Split) or SPEAKER not in split.records:
        return None
    return split.records.text(SPEAKER, int(split.rows[index])) or None
