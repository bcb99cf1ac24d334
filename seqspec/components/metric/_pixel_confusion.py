"""Which class of a pixel was taken for which, over a whole split."""

# V classes, H height, W width

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

import numpy as np

from seqspec.components.predictions import MaskPrediction
from seqspec.schema.types import Mask, Type


class PixelConfusion(ABC):
    """``counts_VV[truth, found]``; an example is kept as the pairs that it has, so that it stays small."""

    reads = "mask"
    better = "higher"

    def __init__(self, config: Any, takes: Mapping[str, Type], parts: Any = None) -> None:
        mask = takes["target"]
        assert isinstance(mask, Mask)
        self.by_class = config.by_class
        self.ignore = mask.ignore
        self.classes = mask.classes
        self.counts_VV = np.zeros((mask.classes, mask.classes), np.int64)

    def measure(self, prediction: MaskPrediction, reference: MaskPrediction) -> tuple[Any, Any]:
        """The pairs of classes that an example has, and how many pixels of each; pixels without a class are
        left out.
        """
        truth, found = reference.classes_HW.ravel(), prediction.classes_HW.ravel()
        real = truth != (-1 if self.ignore is None else self.ignore)
        pairs, counts = np.unique(truth[real] * self.classes + found[real], return_counts=True)
        return pairs, counts

    @abstractmethod
    def compute(self) -> dict[str, float]:
        """What is made of the table, the score first."""

    def alone(self, pairs: Any, counts: Any) -> float:
        """The score of one example."""
        one = copy.copy(self)
        one.counts_VV = np.zeros_like(self.counts_VV)
        one.update(pairs, counts)
        return next(iter(one.compute().values()))

    def update(self, pairs: Any, counts: Any) -> None:
        """Count one example."""
        self.counts_VV.reshape(-1)[pairs] += counts

    def told(self, name: str, values: Any) -> dict[str, float]:
        """Each class's value, of those that have one, where they are asked for."""
        if not self.by_class:
            return {}
        return {f"{name}.{number}": float(v) for number, v in enumerate(values) if np.isfinite(v)}


def mean_of(values: Any) -> float:
    """The mean of those that are numbers; 0 where none is."""
    held = values[np.isfinite(values)]
    return float(held.mean()) if len(held) else 0.0


def divided(above: Any, below: Any) -> Any:
    """A quotient a class; nan where nothing is below the line."""
    return np.divide(above, below, out=np.full(len(above), np.nan), where=below > 0)
