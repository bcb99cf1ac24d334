"""The class of each pixel of an image."""

# B batch, C channels, V classes, H height, W width

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from seqspec.components._layers.pixel_losses import pixel_cross_entropy
from seqspec.components._layers.pixels import displayed, overlay
from seqspec.components.encoder.deeplab_v3_plus import resized
from seqspec.components.graphs import Axes, Function, Graph, source_arguments
from seqspec.components.outputs import Only, Output, PixelScores
from seqspec.components.predictions import ImagePrediction, MaskPrediction
from seqspec.data.batching.batch import Batch
from seqspec.schema.model.segmentation import SegmentationConfig
from seqspec.schema.types import Mask, Type

SHOWN = 16


class Segmentation(nn.Module):
    """Nothing is searched: an answer is the most probable class of each pixel."""

    def __init__(
        self, config: SegmentationConfig, takes: Mapping[str, Type], parts: Callable[[str], Any]
    ) -> None:
        super().__init__()
        mask = takes["target"]
        assert isinstance(mask, Mask)
        self.size = mask.height, mask.width
        self.ignore = -1 if mask.ignore is None else mask.ignore
        self.labels = tuple(str(number) for number in range(mask.classes))
        self.encoder = parts("encoder")
        self.head = parts("head")

    def outputs(self, batch: Batch, *, only: Only = None) -> dict[str, Output]:
        """``pixels``: logits at each pixel, and the mask."""
        return {"pixels": PixelScores(self._logits(batch), batch.target)}

    def score(self, batch: Batch) -> Tensor:
        """``[B]``: the mean log-probability of a pixel's class."""
        logits_BVHW = self._logits(batch)
        rows = zip(logits_BVHW.split(1), batch.target.split(1), strict=True)
        return torch.stack([-pixel_cross_entropy(*row, ignore=self.ignore).total for row in rows])

    @torch.no_grad()
    def decode(self, batch: Batch, search: Any = None) -> list[list[MaskPrediction]]:
        """A mask for each image."""
        return [[mask] for mask in self._masks(self._logits(batch).argmax(1))]

    def references(self, batch: Batch) -> list[MaskPrediction]:
        """The masks of the data; pixels without a class keep their number."""
        return self._masks(batch.target)

    def show(self, batch: Batch, search: Any = None) -> dict[str, list[ImagePrediction | MaskPrediction]]:
        """Images, their masks, the masks that were found, and these laid over the images."""
        assert batch.source is not None
        originals = displayed(batch.source[:SHOWN])
        found = [one[0] for one in self.decode(batch)][:SHOWN]
        laid = [ImagePrediction(overlay(a, b)) for a, b in zip(originals, found, strict=True)]
        return {"images": [*originals], "masks": [*self.references(batch)[:SHOWN]],
                "masks_found": [*found], "overlays": [*laid]}  # fmt: skip

    def logits(self, source_BCHW: Tensor) -> tuple[Tensor]:
        """``[B, V, H, W]``: scores of every class at each pixel of the mask."""
        features_BCHW, _ = self.encoder(source_BCHW, None)
        logits_BHWV = self.head(features_BCHW.permute(0, 2, 3, 1))
        return (resized(logits_BHWV.permute(0, 3, 1, 2), *self.size),)

    def graphs(self, batch: Batch) -> tuple[Graph, ...]:
        """``logits``, the largest of which is a pixel's class."""
        given, inputs = source_arguments(batch)
        outputs: dict[str, Axes] = {"logits": ("batch", None, None, None)}
        note = "Scores of every class at each pixel; the largest is its class."
        return (Graph("logits", Function(self, self.logits), given, inputs, outputs, note),)

    def _logits(self, batch: Batch) -> Tensor:
        assert batch.source is not None
        return self.logits(batch.source)[0]

    def _masks(self, classes_BHW: Tensor) -> list[MaskPrediction]:
        return [MaskPrediction(one, self.labels) for one in classes_BHW.long().cpu().numpy()]
