"""A decoder alone that tells images: each channel of each pixel from those before it, row by row.

Differs from Tensor2Tensor's in the first input, which is the id of a black pixel's first channel.
"""

# B batch, C channels, H height, W width, U dimensions (H times W times C), D width

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from seqspec.components._layers.linear_cross_entropy import log_probabilities
from seqspec.components.graphs import Axes, Function, Graph, nothing_searched
from seqspec.components.graphs import log_probabilities as log_probs_of
from seqspec.components.outputs import Only, Output, Scored, ran, terms, wanted
from seqspec.components.search._hypothesis import Hypothesis
from seqspec.data.batching.batch import Batch
from seqspec.schema.diagnostic import DataError
from seqspec.schema.model.image_model import VALUES, ImageModelConfig
from seqspec.schema.types import Image, Type

TOLERANCE = 1e-3
"""How far a value may be from a whole one of 0 to 255; a normalised image's are farther."""


class ImageModel(nn.Module):
    """Loss and likelihood are those of a dimension, the mean over an image."""

    def __init__(
        self, config: ImageModelConfig, takes: Mapping[str, Type], parts: Callable[[str], Any]
    ) -> None:
        super().__init__()
        source = takes["source"]
        assert isinstance(source, Image)
        self.channels = source.channels
        self.decoder = parts("decoder")
        self.head = parts("head")

    def outputs(self, batch: Batch, *, only: Only = None) -> dict[str, Output]:
        """``values``: a state before each value of an image; a loss is the mean over those of one image."""
        values_BU = self._values(batch)
        beside: dict[str, Tensor] = {}
        hidden_BUD = self._read(values_BU, beside)
        found: dict[str, Output] = {}
        if wanted("values", only):
            found["values"] = Scored(hidden_BUD, values_BU, self.head, values_BU.shape[1])
        count = torch.tensor(len(values_BU), device=values_BU.device)
        return found | dict(terms(beside, count, only))

    def score(self, batch: Batch) -> Tensor:
        """``[B]``: the log-probability of each image."""
        values_BU = self._values(batch)
        return log_probabilities(self._read(values_BU), values_BU, self.head, ignore=-1).sum(1)

    def decode(self, batch: Batch, search: None = None) -> list[list[Hypothesis]]:
        """Refused: what it could write is no text."""
        raise DataError("a model of images has no answers to print", help="score it by `bits_per_dim`")

    def graphs(self, batch: Batch) -> tuple[Graph, ...]:
        """``log_probs`` of whole images."""

        def log_probs(values_BU: Tensor) -> tuple[Tensor, ...]:
            return (log_probs_of(self.head(self._read(values_BU))),)

        given = {"values": self._values(batch)}
        inputs: dict[str, Axes] = {"values": ("batch", None)}
        outputs: dict[str, Axes] = {"log_probs": ("batch", None, None)}
        note = (
            "Log-probabilities of every value (0 to 255; row by row, the channels of a pixel side by side)"
            " from those before it."
        )
        return (Graph("log_probs", Function(self, log_probs), given, inputs, outputs, note),)

    substitutes = staticmethod(nothing_searched)

    def _values(self, batch: Batch) -> Tensor:
        """``[B, U]``: the values of an image, row by row, the channels of a pixel side by side."""
        assert batch.source is not None
        x_BU = batch.source.permute(0, 2, 3, 1).flatten(1) * (VALUES - 1)
        values_BU = x_BU.round()
        if bool((x_BU - values_BU).abs().amax() > TOLERANCE) or bool(
            (values_BU.amin() < 0) | (values_BU.amax() > VALUES - 1)
        ):
            raise DataError(
                "an image model reads images as they are, and these are normalised",
                help="write `data: {image: {normalize: unit}}`",
            )
        return values_BU.long()

    def _read(self, values_BU: Tensor, beside: dict[str, Tensor] | None = None) -> Tensor:
        """Hidden states ``[B, U, D]``, each from the dimensions before it."""
        first_U = torch.arange(values_BU.shape[1], device=values_BU.device) % self.channels * VALUES
        inputs_BU = functional.pad((values_BU + first_U)[:, :-1], (1, 0))
        hidden_BUD: Tensor = ran(self.decoder, inputs_BU, into=beside, name="decoder")
        return hidden_BUD
