"""Where a model of texts looked in its source while it wrote, in words that a person reads."""

# B batch, S source ids, U target ids and the end

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from seqspec.data.batching.collate import pad
from seqspec.runtime.evaluation.evaluator import to_device
from seqspec.runtime.prediction.opening import Opened
from seqspec.schema.types import Text

Looks = Callable[[str, str], "Looked | None"]
"""Of a source and what was written; ``None`` where the model does not look at each id of the source."""


@dataclass(frozen=True)
class Looked:
    """Weights between the pieces of two texts."""

    source: tuple[str, ...]
    """What of the source each piece stands for."""
    target: tuple[str, ...]
    """What was written; the last is the end of the text, and empty."""
    weights: tuple[tuple[float, ...], ...]
    """A row for each piece that was written, a column for each of the source; a row's sum is what the model
    looked at in all, 1 in most decoders.
    """


def looks_of(opened: Opened) -> Looks | None:
    """``None`` where the run does not write a text from a text, or its model cannot say where it looks."""
    model: Any = opened.run.program.model
    roles, steps, predictor = opened.parts.roles, opened.parts.text, opened.predictor
    if not hasattr(model, "attention"):
        return None
    if not all(isinstance(roles.get(role), Text) and role in steps for role in ("source", "target")):
        return None

    @torch.inference_mode()
    def looks(source: str, target: str) -> Looked | None:
        batch = predictor.batch([0], [predictor.prepare(source)])
        written = pad([np.asarray(steps["target"].encode(target), np.int64)], torch.int64)
        batch = to_device(batch._replace(fields={**batch.fields, "target": written}), predictor.device)
        weights_BUS = model.attention(batch)
        if weights_BUS is None:
            return None
        weights_US = weights_BUS[0].float().cpu().numpy()
        read_spans, written_spans = steps["source"].offsets(source), steps["target"].offsets(target)
        if weights_US.shape != (len(written_spans) + 1, len(read_spans)):
            return None
        columns, rows = _starts(read_spans), _starts([*written_spans, (len(target), len(target))])
        weights_US = np.add.reduceat(weights_US, columns, axis=1)
        counts_U = np.diff([*rows, len(written_spans) + 1])
        weights_US = np.add.reduceat(weights_US, rows, axis=0) / counts_U[:, None]
        return Looked(
            tuple(source[slice(*read_spans[n])] for n in columns),
            (*(target[slice(*written_spans[n])] for n in rows[:-1]), ""),
            tuple(map(tuple, weights_US.tolist())),
        )

    return looks


def _starts(spans: Sequence[tuple[int, int]]) -> list[int]:
    """The first id of each piece: ids that stand for the same letters, such as the bytes of one, are one."""
    return [n for n, span in enumerate(spans) if n == 0 or span != spans[n - 1]]
