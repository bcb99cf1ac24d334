"""The class of an example as a vector beside another one."""

# B batch, D width, V classes

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from seqspec.schema.types import Classes, Type


class ClassVector(nn.Module):
    """Joins a learned vector of the class to ``x_BD``."""

    def __init__(self, classes: int, dim: int) -> None:
        super().__init__()
        self.dim = dim
        self.vectors = nn.Embedding(classes, dim)

    def forward(self, x_BD: Tensor, classes_B: Tensor) -> Tensor:
        return torch.cat([x_BD, self.vectors(classes_B)], dim=1)


def classes_of(takes: Mapping[str, Type]) -> int | None:
    """Classes that a component is conditioned on, known by now; ``None`` where it is on none."""
    target = takes.get("target")
    if not isinstance(target, Classes):
        return None
    assert isinstance(target.num, int)
    return target.num


def class_vector(takes: Mapping[str, Type], config: Any) -> ClassVector | None:
    """A vector of ``config.class_dim`` for each class, where the component is conditional."""
    classes = classes_of(takes)
    return None if classes is None else ClassVector(classes, config.class_dim)
