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
from seqspec.runtime.evaluation.attention_image import without_padding
from seqspec.runtime.evaluation.evaluator import to_device
from seqspec.schema.types import Type, Waveform

LEAST_SHARE = 0.4
"""Of the source that is passed through, as a mean over examples: an alignment has nearly 1, looking
everywhere at once or always at one place 0.
"""
LEAST_WEIGHT = 1e-3
"""Of a position that looks anywhere: a CTC alignment has none for what it does not write."""
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
            share = (
                None if weights_BUS is None else _share(without_padding(weights_BUS[0].double().cpu(), one))
            )
            found += [] if share is None else [share]
    model.train(was_training)
    mean = sum(found) / max(len(found), 1)
    if not found or mean >= LEAST_SHARE:
        return None
    return (
        f"the attention does not follow the speech: in {len(found)} examples it passes {mean:.0%} of "
        "what it reads, and an alignment nearly all; train longer, begin with short recordings, trim their "
        "silence, or let a loss guide it"
    )


def _share(weights_US: Tensor) -> float | None:
    return travelled(weights_US) if min(weights_US.shape) >= LEAST_POSITIONS else None


def travelled(weights_US: Tensor) -> float | None:
    """The share of the source that is passed through from the first position to the last, by the straight
    line that fits the mean places best; ``None`` where too few positions look anywhere.
    """
    total_U = weights_US.sum(1)
    step_U = (total_U > LEAST_WEIGHT).nonzero().squeeze(1)
    if len(step_U) < LEAST_POSITIONS:
        return None
    weights_US = weights_US[step_U] / total_U[step_U, None]
    place_U = weights_US @ torch.arange(weights_US.shape[1], dtype=weights_US.dtype)
    moved_U = step_U - step_U.double().mean()
    slope = float((place_U * moved_U).sum() / moved_U.square().sum())
    return slope * float(step_U[-1] - step_U[0]) / (weights_US.shape[1] - 1)
