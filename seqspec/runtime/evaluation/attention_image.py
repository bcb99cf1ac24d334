"""One image of where a model looks: attention over the source, or a CTC alignment, for one example."""

from __future__ import annotations

from typing import Any

import torch

from seqspec.data.batching.batch import Batch
from seqspec.runtime.evaluation.evaluator import to_device

MOST_ROWS, MOST_COLUMNS = 120, 400


def attention_image(
    model: torch.nn.Module, batch: Batch, *, device: torch.device
) -> tuple[int, list[list[float]]] | None:
    """Row of the split and weights ``[target, source]`` of the middle example of a batch, of long ones the
    largest of neighbours; none where a model cannot tell.
    """
    attention: Any = getattr(model, "attention", None)
    if attention is None or batch.source is None or batch.target_lengths is None:
        return None
    row = len(batch.index) // 2
    one = batch.map(lambda x: x[row : row + 1])
    was_training = model.training
    model.eval()
    with torch.no_grad():
        weights_BUS = attention(to_device(one, device))
    model.train(was_training)
    if weights_BUS is None:
        return None
    weights_US = without_padding(weights_BUS[0].float().cpu(), one)
    sides = zip(weights_US.shape, (MOST_ROWS, MOST_COLUMNS), strict=True)
    pooled = tuple(max(1, -(-size // most)) for size, most in sides)
    if max(pooled) > 1:
        weights_US = torch.nn.functional.max_pool2d(weights_US[None], pooled, ceil_mode=True)[0]
    return int(batch.index[row]), [[round(v, 4) for v in line] for line in weights_US.tolist()]


def without_padding(weights_US: torch.Tensor, one: Batch) -> torch.Tensor:
    """The rows and columns that belong to the one example of a batch, where they are its own positions."""
    sides = ((one.target, one.target_lengths), (one.source, one.source_lengths))
    for axis, (values, lengths_B) in enumerate(sides):
        if values is not None and lengths_B is not None and values.shape[1] == weights_US.shape[axis]:
            weights_US = weights_US.narrow(axis, 0, int(lengths_B[0]))
    return weights_US
