"""An encoder that reads the source whole, and a tag for each of its words."""

# B batch, T source time, W words, D width, V tags

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from seqspec.components._layers.masks import length_mask
from seqspec.components._layers.transformer_layer import suit_positions
from seqspec.components.graphs import Axes, Function, Graph, log_probabilities, source_arguments
from seqspec.components.outputs import Only, Output, Scored, ran, terms, wanted
from seqspec.components.search._hypothesis import Hypothesis
from seqspec.data.batching.batch import Batch
from seqspec.schema.model.token_classifier import STARTS, TokenClassifierConfig
from seqspec.schema.types import EOS, Type


class TokenClassifier(nn.Module):
    """Nothing is searched: each word has its most probable tag, whatever its neighbours have."""

    def __init__(
        self, config: TokenClassifierConfig, takes: Mapping[str, Type], parts: Callable[[str], Any]
    ) -> None:
        super().__init__()
        self.embedding = parts("embedding")
        self.encoder: nn.Module = parts("encoder")
        suit_positions(self.encoder, self.embedding)
        self.head: nn.Module = parts("head")

    def outputs(self, batch: Batch, *, only: Only = None) -> dict[str, Output]:
        """``tags``: the state of each word's first piece, beside its tag."""
        beside: dict[str, Tensor] = {}
        hidden_BWD = self.words(batch, beside)
        found: dict[str, Output] = {}
        if wanted("tags", only):
            found["tags"] = Scored(hidden_BWD, batch.target, self.head)
        return found | dict(terms(beside, (batch.target > 0).sum(), only))

    def words(self, batch: Batch, beside: dict[str, Tensor] | None = None) -> Tensor:
        """``[B, W, D]``: a state for each word; of padding, that of the first id."""
        assert batch.source is not None
        return self._words(batch.source, batch.source_lengths, batch.fields[STARTS].values, beside)

    def _words(
        self,
        source_BT: Tensor,
        lengths_B: Tensor | None,
        starts_BW: Tensor,
        beside: dict[str, Tensor] | None = None,
    ) -> Tensor:
        x: Any = source_BT if self.embedding is None else self.embedding(source_BT)
        states_BTD, _ = ran(self.encoder, x, lengths_B, into=beside, name="encoder")
        chosen: Tensor = states_BTD.gather(1, starts_BW[:, :, None].expand(-1, -1, states_BTD.shape[2]))
        return chosen

    def score(self, batch: Batch) -> Tensor:
        """``[B]``: the log-probability of each example's tags."""
        of_tags_BW = self._log_probs(batch).gather(2, batch.target[:, :, None]).squeeze(2)
        return of_tags_BW.masked_fill(~self._real(batch), 0.0).sum(1)

    @torch.no_grad()
    def decode(self, batch: Batch, search: Any = None) -> list[list[Hypothesis]]:
        """The most probable tag of each word; the special ids are none."""
        log_probs_BWV = self._log_probs(batch)
        log_probs_BWV[..., : EOS + 1] = -torch.inf
        best = log_probs_BWV.max(2)
        real_BW = self._real(batch)
        scores_B = best.values.masked_fill(~real_BW, 0.0).sum(1).tolist()
        counts_B = real_BW.sum(1).tolist()
        rows = zip(best.indices.tolist(), counts_B, scores_B, strict=True)
        return [[Hypothesis(tuple(ids[:count]), score, score)] for ids, count, score in rows]

    def _log_probs(self, batch: Batch) -> Tensor:
        assert batch.source is not None
        assert batch.source_lengths is not None
        return self.log_probs(batch.source, batch.source_lengths, batch.fields[STARTS].values)[0]

    def log_probs(self, source_BT: Tensor, lengths_B: Tensor, starts_BW: Tensor) -> tuple[Tensor]:
        """``[B, W, V]``: the log-probability of every tag of each word."""
        return (log_probabilities(self.head(self._words(source_BT, lengths_B, starts_BW))),)

    def graphs(self, batch: Batch) -> tuple[Graph, ...]:
        """``log_probs``, the largest of which is a word's tag."""
        given, inputs = source_arguments(batch)
        given[STARTS], inputs[STARTS] = batch.fields[STARTS].values, ("batch", "words")
        outputs: dict[str, Axes] = {"log_probs": ("batch", "words", None)}
        note = f"Log-probabilities of the tags of the words whose first pieces stand at `{STARTS}`, from 0."
        return (Graph("log_probs", Function(self, self.log_probs), given, inputs, outputs, note),)

    def _real(self, batch: Batch) -> Tensor:
        starts_BW, lengths_B = batch.fields[STARTS]
        assert lengths_B is not None
        return length_mask(lengths_B, starts_BW.shape[1])
