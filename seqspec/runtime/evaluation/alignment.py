"""Whether the attention of a model of speech has learned to follow it: text and recording run in one order,
so what is looked at moves on with what is written or said.
"""

# B batch, U target positions, S source positions

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from seqspec.data.batching.batch import Batch
from seqspec.runtime.evaluation.evaluator import to_device
from seqspec.schema.types import Type, Waveform

LEAST_CORRELATION = 0.5
"""Between a position and where it looks, as a mean over examples: an alignment has nearly 1, looking
everywhere at once or always at one place 0.
"""
MOST_EXAMPLES = 8
LEAST_POSITIONS = 4
"""On both sides of an example that can tell."""


def unaligned(
    model: torch.nn.Module, batch: Batch, roles: Mapping[str, Type], *, device: torch.device
) -> str | None:
    """What is wrong, in a sentence; nothing where no side is a recording or the model cannot tell."""
    attention: Any = getattr(model, "attention", None)
    heard = any(isinstance(roles.get(role), Waveform) for role in ("source", "target"))
    if attention is None or not heard or batch.source is None or batch.target_lengths is None:
        return None
    found, was_training = [], model.training
    model.eval()
    with torch.no_grad():
        for row in range(min(len(batch.index), MOST_EXAMPLES)):
            one = to_device(batch.map(lambda x, row=row: x[row : row + 1]), device)  # type: ignore[misc]
            weights_BUS = attention(one)
            if weights_BUS is not None and min(weights_BUS.shape[1:]) >= LEAST_POSITIONS:
                found.append(correlation(weights_BUS[0].double().cpu()))
    model.train(was_training)
    mean = sum(found) / max(len(found), 1)
    if not found or mean >= LEAST_CORRELATION:
        return None
    return (
        f"the attention does not follow the speech: of {len(found)} examples, how far one is and where "
        f"it looks correlate by {mean:.2f}, where an alignment has nearly 1; train longer, begin with short "
        "recordings, trim their silence, or let a loss guide it"
    )


def correlation(weights_US: Tensor) -> float:
    """Pearson's, of the position and of the mean place that it looks at; 0 where that never moves."""
    weights_US = weights_US / weights_US.sum(1, keepdim=True).clamp_min(1e-12)
    place_U = weights_US @ torch.arange(weights_US.shape[1], dtype=weights_US.dtype)
    step_U = torch.arange(len(place_U), dtype=weights_US.dtype)
    place_U, step_U = place_U - place_U.mean(), step_U - step_U.mean()
    if float(place_U.norm()) < 1e-6 * weights_US.shape[1]:
        return 0.0
    return float((place_U @ step_U) / (place_U.norm() * step_U.norm()).clamp_min(1e-12))
