"""Intersection over union."""

from __future__ import annotations

import numpy as np

from seqspec.components.metric._compared import signature
from seqspec.components.metric._pixel_confusion import PixelConfusion, divided, mean_of


class MeanIou(PixelConfusion):
    """From one table of the whole split, never a mean over images."""

    def compute(self) -> dict[str, float]:
        """``mean_iou``, and ``iou.N`` of class N where it is asked for."""
        hits_V = np.diag(self.counts_VV)
        either_V = self.counts_VV.sum(0) + self.counts_VV.sum(1) - hits_V
        iou_V = divided(hits_V, either_V)
        return {"mean_iou": mean_of(iou_V), **self.told("iou", iou_V)}

    def signature(self) -> str:
        """What decides the score."""
        return signature([("metric", "mean_iou"), ("counted", "split"), ("absent", "left out")])
