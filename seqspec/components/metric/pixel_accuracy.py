"""Share of pixels that are right."""

from __future__ import annotations

import numpy as np

from seqspec.components.metric._compared import signature
from seqspec.components.metric._pixel_confusion import PixelConfusion, divided, mean_of


class PixelAccuracy(PixelConfusion):
    """Over the whole split."""

    def compute(self) -> dict[str, float]:
        """``pixel_accuracy``, ``mean_class_accuracy``, and ``accuracy.N`` where it is asked for."""
        hits_V = np.diag(self.counts_VV)
        accuracy_V = divided(hits_V, self.counts_VV.sum(1))
        share = float(hits_V.sum() / max(self.counts_VV.sum(), 1))
        means = {"pixel_accuracy": share, "mean_class_accuracy": mean_of(accuracy_V)}
        return means | self.told("accuracy", accuracy_V)

    def signature(self) -> str:
        """What decides the score."""
        return signature([("metric", "pixel_accuracy"), ("counted", "split")])
