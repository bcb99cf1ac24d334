"""The class of each point of a set."""

# B batch, N points, C features, V classes

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from seqspec.components._layers.masks import length_mask
from seqspec.components._layers.pixel_losses import pixel_cross_entropy
from seqspec.components.graphs import Axes, Function, Graph, source_arguments
from seqspec.components.outputs import Only, Output, PixelScores
from seqspec.components.predictions import PointsPrediction
from seqspec.data.batching.batch import Batch
from seqspec.schema.model.point_segmentation import NO_CLASS, PointSegmentationConfig
from seqspec.schema.types import PointClasses, Type


class PointSegmentation(nn.Module):
    """Points are the pixels of an image of width 1, so that losses over pixels fit."""

    def __init__(
        self, config: PointSegmentationConfig, takes: Mapping[str, Type], parts: Callable[[str], Any]
    ) -> None:
        super().__init__()
        target = takes["target"]
        assert isinstance(target, PointClasses)
        bounds = torch.tensor([*target.first, target.classes])
        numbers_V = torch.arange(target.classes)
        allowed = (numbers_V >= bounds[:-1, None]) & (numbers_V < bounds[1:, None])
        self.register_buffer("allowed_GV", allowed, persistent=False)
        self.first = target.first
        self.encoder = parts("encoder")
        self.head = parts("head")

    def outputs(self, batch: Batch, *, only: Only = None) -> dict[str, Output]:
        """``points``: logits at each point, and its class."""
        return {"points": self._scores(batch)}

    def score(self, batch: Batch) -> Tensor:
        """``[B]``: the mean log-probability of a point's class."""
        rows = zip(*(part.split(1) for part in self._scores(batch)), strict=True)
        return torch.stack([-pixel_cross_entropy(*row, ignore=NO_CLASS).total for row in rows])

    @torch.no_grad()
    def decode(self, batch: Batch, search: Any = None) -> list[list[PointsPrediction]]:
        """The most probable part of each point, of those of the thing's category where it is told."""
        logits_BNV = self._logits(batch)
        if "category" in batch.fields:
            allowed_BV = self.get_buffer("allowed_GV")[batch.fields["category"].values]
            logits_BNV = logits_BNV.masked_fill(~allowed_BV[:, None], -torch.inf)
        return [[one] for one in _predictions(logits_BNV.argmax(2), batch)]

    def references(self, batch: Batch) -> list[PointsPrediction]:
        """The classes of the data."""
        return _predictions(batch.target, batch)

    def _scores(self, batch: Batch) -> PixelScores:
        assert batch.source is not None
        assert batch.source_lengths is not None
        real_BN = length_mask(batch.source_lengths, batch.source.shape[1])
        classes_BN = batch.target.masked_fill(~real_BN, NO_CLASS)
        return PixelScores(self._logits(batch).transpose(1, 2)[..., None], classes_BN[..., None])

    def logits(self, source_BNC: Tensor, lengths_B: Tensor, *category: Tensor) -> tuple[Tensor]:
        """``[B, N, V]``: scores of every class at each point; the number of the category is read where the
        corpus tells one.
        """
        features_BND, _ = self.encoder(source_BNC, lengths_B, *category)
        return (self.head(features_BND),)

    def graphs(self, batch: Batch) -> tuple[Graph, ...]:
        """``logits``, the largest of which, among the classes of the category, is a point's class."""
        given, inputs = source_arguments(batch)
        note = "Scores of every class at each point; the largest is its class."
        if "category" in batch.fields:
            given["category"], inputs["category"] = batch.fields["category"].values, ("batch",)
            firsts = ", ".join(map(str, self.first))
            note = f"{note[:-1]}, of those of its category alone, which begin at {firsts}."
        outputs: dict[str, Axes] = {"logits": ("batch", "length", None)}
        return (Graph("logits", Function(self, self.logits), given, inputs, outputs, note),)

    def _logits(self, batch: Batch) -> Tensor:
        assert batch.source is not None
        assert batch.source_lengths is not None
        told = [batch.fields["category"].values] if "category" in batch.fields else []
        return self.logits(batch.source, batch.source_lengths, *told)[0]


def _predictions(classes_BN: Tensor, batch: Batch) -> list[PointsPrediction]:
    assert batch.source is not None
    assert batch.source_lengths is not None
    rows = zip(
        classes_BN.cpu().numpy(), batch.source.cpu().numpy(), batch.source_lengths.tolist(), strict=True
    )
    return [PointsPrediction(classes[:size], points[:size]) for classes, points, size in rows]
