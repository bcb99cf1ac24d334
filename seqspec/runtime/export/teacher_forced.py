"""The perplexity of a language model whose graph ``log_probs`` runs elsewhere."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING

import torch

from seqspec.components.outputs import Scored
from seqspec.data.batching.batch import Batch
from seqspec.schema.diagnostic import Exit, RunError
from seqspec.schema.types import PAD

if TYPE_CHECKING:
    from seqspec.runtime.export.comparison import Runners
    from seqspec.runtime.export.subject import Subject


@torch.inference_mode()
def perplexity(subject: Subject, runners: Runners, batches: Iterable[Batch]) -> float:
    """Exp of the mean negative log-probability of the labels that the run's loss reads."""
    total, count = 0.0, 0
    for batch in batches:
        graph = next((one for one in subject.graphs(batch) if one.name == "log_probs"), None)
        scored = next((one for one in subject.model.outputs(batch).values() if isinstance(one, Scored)), None)
        if graph is None or scored is None:
            raise RunError("the spec names no metric of answers, so quantisation cannot be measured",
                           exit=Exit.USAGE, help="give one: --set 'evaluate.metrics=[…]'")  # fmt: skip
        log_probs_BUV = runners["log_probs"](list(graph.given.values()))[0]
        labels_BU = scored.labels
        nll_BU = -log_probs_BUV.gather(-1, labels_BU[..., None])[..., 0]
        real_BU = labels_BU != PAD
        total += float(nll_BU[real_BU].double().sum())
        count += int(real_BU.sum())
    return math.exp(total / max(count, 1))
