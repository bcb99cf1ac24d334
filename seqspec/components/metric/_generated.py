"""What metrics share that hand generated images and the data's to a classifier run."""

# N images, D features

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from seqspec.components.metric._compared import signature
from seqspec.components.predictions import ImagePrediction
from seqspec.schema.metric._feature_run import FeatureRunConfig
from seqspec.schema.types import Type


class Features(Protocol):
    """A classifier that was trained before."""

    weights: str
    """SHA-256 of its weights."""
    names: tuple[str, ...]
    """Of its classes."""

    def __call__(self, images: Sequence[ImagePrediction], *, device: Any) -> NDArray[np.float32]:
        """``[N, D]``: what its head would read of images of 0 to 255."""
        ...

    def classes(self, images: Sequence[ImagePrediction], *, device: Any) -> list[str]:
        """What it calls each of them."""
        ...


def make_images(model: Any, batch: Any, search: Any, *, kind: str) -> Sequence[ImagePrediction]:
    """One image for each example: of noise (``samples``), or its own as the model gives it back."""
    sample = getattr(model, "sample", None) if kind == "samples" else None
    return [one[0] for one in model.decode(batch, search)] if sample is None else sample(batch)


class GeneratedImages(ABC):
    """One generated image is made for each image of the split."""

    reads = "model"

    def __init__(self, config: FeatureRunConfig, takes: Mapping[str, Type], parts: Any = None) -> None:
        self.makes = config.images
        self.features: Features | None = None
        """Put here by whoever opens the run."""
        self._real: list[Any] = []
        self._made: list[Any] = []

    def make(self, model: Any, batch: Any, search: Any = None) -> Sequence[ImagePrediction]:
        """An image for each of the batch."""
        return make_images(model, batch, search, kind=self.makes)

    def examine(
        self, model: Any, batch: Any, *, made: Sequence[ImagePrediction]
    ) -> Sequence[tuple[Any, Any]]:
        """Features of each image of the data, and of one that was made."""
        assert self.features is not None, "the run whose features are compared was not opened"
        device = batch.index.device
        real_ND, made_ND = (self.features(one, device=device) for one in (model.references(batch), made))
        return list(zip(real_ND, made_ND, strict=True))

    def update(self, real_D: Any, made_D: Any) -> None:
        """Count one image of each."""
        self._real.append(real_D)
        self._made.append(made_D)

    def compute(self) -> dict[str, float]:
        """The metric over all that was counted."""
        if len(self._real) < 2:
            return {}
        return self.compared(np.stack(self._real).astype(np.float64), np.stack(self._made).astype(np.float64))

    @abstractmethod
    def compared(self, real_ND: NDArray[np.float64], made_ND: NDArray[np.float64]) -> dict[str, float]:
        """The metric of two sets of features."""

    def signed(self, name: str, *more: tuple[str, object]) -> str:
        """The signature: whose features, of which images, of how many."""
        features = "unknown" if self.features is None else self.features.weights[:12]
        told = [("metric", name), ("features", features), ("images", self.makes)]
        return signature([*told, ("count", len(self._real)), *more])
