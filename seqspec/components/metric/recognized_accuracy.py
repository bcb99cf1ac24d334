"""Share of generated images that a classifier calls by the class they were made of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from seqspec.components.metric._compared import signature
from seqspec.components.metric._generated import Features, make_images
from seqspec.components.predictions import ImagePrediction
from seqspec.schema.metric.recognized_accuracy import RecognizedAccuracyConfig
from seqspec.schema.types import Type


class RecognizedAccuracy:
    """Classes are compared by name, as fractions; one generated image is made for each image of the split."""

    reads = "model"
    better = "higher"

    def __init__(
        self, config: RecognizedAccuracyConfig, takes: Mapping[str, Type], parts: Any = None
    ) -> None:
        self.by_class, self.makes = config.by_class, config.images
        self.features: Features | None = None
        """Put here by whoever opens the run."""
        self.names: tuple[str, ...] = ()
        self._count: Counter[str] = Counter()
        self._right: Counter[str] = Counter()
        self._right_of_images = 0

    def know_classes(self, names: tuple[str, ...], counts: Sequence[int] | None) -> None:
        """What the corpus calls its classes."""
        self.names = names

    def make(self, model: Any, batch: Any, search: Any = None) -> Sequence[ImagePrediction]:
        """An image for each of the batch."""
        return make_images(model, batch, search, kind=self.makes)

    def examine(
        self, model: Any, batch: Any, *, made: Sequence[ImagePrediction]
    ) -> Sequence[tuple[str, bool, bool]]:
        """Each image's class, whether it is called by that, and whether the one that was made of it is."""
        assert self.features is not None, "the run whose classes are compared was not opened"
        truth = [self.names[number] for number in batch.target.tolist()]
        device = batch.index.device
        real, found = (self.features.classes(one, device=device) for one in (model.references(batch), made))
        return [(name, a == name, b == name) for name, a, b in zip(truth, real, found, strict=True)]

    def update(self, name: str, real: bool, made: bool) -> None:
        """Count one image of each."""
        self._count[name] += 1
        self._right[name] += made
        self._right_of_images += real

    def compute(self) -> dict[str, float]:
        """The share, that of the data's own images, and that of each class where it is asked for."""
        count = max(self._count.total(), 1)
        told = {"": self._right.total() / count, "_of_images": self._right_of_images / count}
        if self.by_class:
            told |= {f".{name}": self._right[name] / self._count[name] for name in sorted(self._count)}
        return {f"recognized_accuracy{part}": value for part, value in told.items()}

    def signature(self) -> str:
        """What decides the score."""
        weights = "unknown" if self.features is None else self.features.weights[:12]
        count = ("count", self._count.total())
        return signature(
            [("metric", "recognized_accuracy"), ("classifier", weights), ("images", self.makes), count]
        )
