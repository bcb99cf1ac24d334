"""An encoder that reads the source whole, one vector made of what it gives, and a score for each class."""

# B batch, S states, D width, V classes

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from seqspec.components._layers.pooling import pool
from seqspec.components._layers.transformer_layer import suit_positions
from seqspec.components.graphs import Axes, Function, Graph, log_probabilities, source_arguments
from seqspec.components.outputs import Only, Output, Scored, ran, terms, wanted
from seqspec.components.search._hypothesis import Hypothesis
from seqspec.data.batching.batch import Batch
from seqspec.schema.model.classifier import ClassifierConfig
from seqspec.schema.types import Tokens, Type

MOST = 10
"""Classes that are ranked where nobody says how many."""


class Classifier(nn.Module):
    """Nothing is searched: an answer is the classes themselves, the most probable first."""

    def __init__(
        self, config: ClassifierConfig, takes: Mapping[str, Type], parts: Callable[[str], Any]
    ) -> None:
        super().__init__()
        self.embedding = parts("embedding")
        self.encoder: nn.Module = parts("encoder")
        suit_positions(self.encoder, self.embedding)
        self.head: nn.Module = parts("head")
        self.pooler: nn.Module | None = parts("pooler")
        self.pooling = config.pooling if self.pooler is None else None
        self.with_lengths = not isinstance(takes["source"], Tokens)
        """Whether the embedding may change lengths."""

    def outputs(self, batch: Batch, *, only: Only = None) -> dict[str, Output]:
        """``labels``: a vector and a label an example."""
        beside: dict[str, Tensor] = {}
        vector_BD = self.encode(batch, beside)
        found: dict[str, Output] = {}
        if wanted("labels", only):
            found["labels"] = Scored(vector_BD, batch.target, self.head)
        count = torch.tensor(len(batch.target), device=batch.target.device)
        return found | dict(terms(beside, count, only))

    def encode(self, batch: Batch, beside: dict[str, Tensor] | None = None) -> Tensor:
        """``[B, D]``: one vector an example; ``beside`` takes the encoder's auxiliary outputs."""
        return self._vector(batch.source, batch.source_lengths, beside)

    def _vector(self, x: Any, lengths_B: Tensor | None, beside: dict[str, Tensor] | None = None) -> Tensor:
        if self.embedding is not None and self.with_lengths:
            x, lengths_B = self.embedding(x, lengths_B)
        elif self.embedding is not None:
            x = self.embedding(x)
        given, lengths_B = ran(self.encoder, x, lengths_B, into=beside, name="encoder")
        if self.pooler is not None:
            vector_BD: Tensor = self.pooler(given, lengths_B)
            return vector_BD
        return pool(self.pooling, given, lengths_B)

    def score(self, batch: Batch) -> Tensor:
        """``[B]``: the log-probability of each example's label."""
        return self._log_probs(batch).gather(1, batch.target[:, None]).squeeze(1)

    @torch.no_grad()
    def decode(self, batch: Batch, search: int | None = None) -> list[list[Hypothesis]]:
        """The classes of each example by falling probability, no more than ``search`` (left out, ``MOST``);
        equal ones by number.
        """
        count = MOST if search is None else search
        log_probs_BV = self._log_probs(batch)
        best = log_probs_BV.sort(dim=1, descending=True, stable=True)
        ranked = zip(best.values[:, :count].tolist(), best.indices[:, :count].tolist(), strict=True)
        return [[Hypothesis((i,), p, p) for p, i in zip(*row, strict=True)] for row in ranked]

    def _log_probs(self, batch: Batch) -> Tensor:
        assert batch.source is not None
        (log_probs_BV,) = self.log_probs(batch.source, batch.source_lengths)
        return log_probs_BV

    def log_probs(self, source: Tensor, lengths_B: Tensor | None = None) -> tuple[Tensor]:
        """``[B, V]``: the log-probability of every class."""
        return (log_probabilities(self.head(self._vector(source, lengths_B))),)

    def graphs(self, batch: Batch) -> tuple[Graph, ...]:
        """``log_probs``, the largest of which is the class."""
        given, inputs = source_arguments(batch)
        outputs: dict[str, Axes] = {"log_probs": ("batch", None)}
        note = "Log-probabilities of the classes, in the order of `labels.json`."
        return (Graph("log_probs", Function(self, self.log_probs), given, inputs, outputs, note),)
