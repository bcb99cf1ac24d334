"""Parameters in groups: those that weight decay takes from, and those that it leaves alone."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from torch import nn

NamedParameters = Iterable[tuple[str, nn.Parameter]]


def trainable(named: NamedParameters) -> list[nn.Parameter]:
    """The parameters that have gradients, each once, in the order of the model."""
    return list(dict.fromkeys(parameter for _, parameter in named if parameter.requires_grad))


def decay_groups(named: NamedParameters, *, weight_decay: float, matrices_only: bool) -> list[dict[str, Any]]:
    """Two groups where vectors are left alone, one otherwise; empty groups are left out."""
    parameters = trainable(named)
    if not matrices_only or not weight_decay:
        return [{"params": parameters, "weight_decay": weight_decay}]
    matrices = [p for p in parameters if p.ndim > 1]
    vectors = [p for p in parameters if p.ndim <= 1]
    groups = ({"params": matrices, "weight_decay": weight_decay}, {"params": vectors, "weight_decay": 0.0})
    return [group for group in groups if group["params"]]
