"""The parts of a mixture scored one by one: a mean over corpora hides the one that fails."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from seqspec.data.batching.collate import AnySplit
from seqspec.data.stages.examples import Split
from seqspec.runtime.assembly.assembled import Assembled
from seqspec.runtime.devices.launch import Launch, Place
from seqspec.runtime.evaluation.evaluator import Evaluator, Scored
from seqspec.runtime.training.streams import evaluation_stream

COLUMN = "corpus"
"""The field of a record that names the part of a mixture it comes from."""


def score_parts(
    evaluator: Evaluator, assembled: Assembled, scored: Scored, *, launch: Launch
) -> dict[str, Mapping[str, float]]:
    """Metrics of each part of the split; none where it has one part only.

    What was found for the whole split is scored again; nothing is decoded twice.
    """
    split = assembled.prepared.splits[scored.split]
    parts = parts_of(split)
    if len(parts) < 2:
        return {}
    found = {}
    for name, rows in parts.items():
        batches = evaluation_stream(
            assembled.prepared, split, micro_batches=1, launch=launch, place=Place(), rows=rows
        )
        wanted = set(rows.tolist())
        held = tuple(one for one in scored.found if one.index in wanted)
        found[name] = replace(evaluator, known=held).score(scored.split, batches).metrics
    return found


def parts_of(split: AnySplit) -> dict[str, np.ndarray]:
    """Rows of the split by part of a mixture, in the order of the parts' first rows."""
    if not isinstance(split, Split) or COLUMN not in split.records:
        return {}
    names = np.array([split.records.text(COLUMN, int(row)) for row in split.rows])
    return {str(name): np.flatnonzero(names == name) for name in dict.fromkeys(names.tolist())}
