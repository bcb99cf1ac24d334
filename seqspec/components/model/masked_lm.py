"""An encoder that learns to fill in tokens that were hidden."""

# B batch, T time, D width, V vocabulary

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from seqspec.components._layers.masks import length_mask
from seqspec.components._layers.transformer_layer import suit_positions
from seqspec.components.graphs import Axes, Function, Graph, log_probabilities
from seqspec.components.outputs import Only, Output, Scored, ran, terms, wanted
from seqspec.components.search._hypothesis import Hypothesis
from seqspec.data.batching.batch import Batch
from seqspec.schema.model.masked_lm import MaskedLmConfig
from seqspec.schema.types import EOS, PAD, UNK, Tokens, Type

HIDDEN = UNK
"""The id that stands for a hidden token."""


class MaskedLm(nn.Module):
    """What is hidden is drawn anew in every step, from torch's generator."""

    def __init__(
        self, config: MaskedLmConfig, takes: Mapping[str, Type], parts: Callable[[str], Any]
    ) -> None:
        super().__init__()
        target = takes["target"]
        assert isinstance(target, Tokens)
        assert isinstance(target.vocab, int)
        self.vocab = target.vocab
        self.embedding = parts("embedding")
        self.encoder: nn.Module = parts("encoder")
        suit_positions(self.encoder, self.embedding)
        self.head = parts("head")
        if config.tie != "none":
            table: Any = self.embedding if self.embedding is not None else self.encoder.embedding
            self.head.tie(table.weight_VD)
        self.rate, self.shown, self.exchanged = config.rate, config.shown, config.exchanged

    def outputs(self, batch: Batch, *, only: Only = None) -> dict[str, Output]:
        """``tokens``: a state for each token, beside the token where it was hidden."""
        assert batch.target_lengths is not None
        ids_BT, labels_BT = self.hide(batch.target, batch.index)
        beside: dict[str, Tensor] = {}
        states_BTD = self._read(ids_BT, batch.target_lengths, beside)
        found: dict[str, Output] = {}
        if wanted("tokens", only):
            found["tokens"] = Scored(states_BTD, labels_BT, self.head)
        return found | dict(terms(beside, (labels_BT != PAD).sum(), only))

    def hide(self, ids_BT: Tensor, index_B: Tensor) -> tuple[Tensor, Tensor]:
        """What the encoder reads, and the token at each place that is to be filled in, 0 elsewhere.  Special
        ids are never hidden.

        Each text has draws of its own: by torch's generator while training, by its row ``index_B`` after, so
        that an evaluation repeats whatever shares a batch and however far it is padded.
        """
        drawn_BT3 = self._drawn(index_B, size=ids_BT.shape[1]).to(ids_BT.device)
        open_BT = ids_BT > EOS
        count_B = (open_BT.sum(1) * self.rate).round().clamp(min=1)
        chance_BT = drawn_BT3[..., 0].masked_fill(~open_BT, 2.0)
        chosen_BT = (chance_BT.argsort(1).argsort(1) < count_B[:, None]) & open_BT
        kind_BT = drawn_BT3[..., 1]
        others_BT = EOS + 1 + (drawn_BT3[..., 2] * max(self.vocab - EOS - 1, 1)).long()
        read_BT = torch.where(kind_BT < self.exchanged, others_BT, HIDDEN)
        read_BT = torch.where(kind_BT >= 1 - self.shown, ids_BT, read_BT)
        return torch.where(chosen_BT, read_BT, ids_BT), ids_BT.masked_fill(~chosen_BT, PAD)

    def _drawn(self, index_B: Tensor, *, size: int) -> Tensor:
        """``[B, size, 3]``: even numbers in [0, 1), the first places' the same whatever the size."""
        seeds_B = torch.randint(1 << 62, index_B.shape) if self.training else index_B
        rows = [np.random.default_rng(int(seed)).random((size, 3)) for seed in seeds_B]
        return torch.from_numpy(np.stack(rows))

    def score(self, batch: Batch) -> Tensor:
        """``[B]``: the log-probability of each token where it alone is hidden, added up (Salazar et al. 2020,
        "Masked Language Model Scoring", arXiv:1910.14659).
        """
        assert batch.target_lengths is not None
        total_B = torch.zeros(len(batch.target), device=batch.target.device)
        for place in range(batch.target.shape[1]):
            ids_B = batch.target[:, place]
            read_BT = batch.target.clone()
            read_BT[:, place] = HIDDEN
            states_BTD = self._read(read_BT, batch.target_lengths)
            scores_BV = log_probabilities(self.head(states_BTD[:, place]))
            total_B += scores_BV.gather(1, ids_B[:, None])[:, 0].masked_fill(ids_B <= EOS, 0.0)
        return total_B

    @torch.no_grad()
    def decode(self, batch: Batch, search: Any = None) -> list[list[Hypothesis]]:
        """Each text with its most probable tokens in place of the unknown ones."""
        assert batch.target_lengths is not None
        scores_BTV = self.log_probs(batch.target, batch.target_lengths)[0]
        scores_BTV[..., : EOS + 1] = -torch.inf
        best = scores_BTV.max(2)
        hidden_BT = (batch.target == HIDDEN) & length_mask(batch.target_lengths, batch.target.shape[1])
        filled_BT = torch.where(hidden_BT, best.indices, batch.target)
        scores_B = best.values.masked_fill(~hidden_BT, 0.0).sum(1).tolist()
        rows = zip(filled_BT.tolist(), batch.target_lengths.tolist(), scores_B, strict=True)
        return [[Hypothesis(tuple(ids[:length]), score, score)] for ids, length, score in rows]

    def log_probs(self, ids_BT: Tensor, lengths_B: Tensor) -> tuple[Tensor]:
        """``[B, T, V]``: the log-probability of every token at each place."""
        return (log_probabilities(self.head(self._read(ids_BT, lengths_B))),)

    def graphs(self, batch: Batch) -> tuple[Graph, ...]:
        """``log_probs`` of texts some of whose tokens are hidden."""
        assert batch.target_lengths is not None
        ids_BT, _ = self.hide(batch.target, batch.index)
        given = {"ids": ids_BT, "lengths": batch.target_lengths}
        inputs: dict[str, Axes] = {"ids": ("batch", "length"), "lengths": ("batch",)}
        outputs: dict[str, Axes] = {"log_probs": ("batch", "length", None)}
        note = f"Log-probabilities of the token at each place; id {HIDDEN} stands for a hidden one."
        return (Graph("log_probs", Function(self, self.log_probs), given, inputs, outputs, note),)

    def _read(self, ids_BT: Tensor, lengths_B: Tensor, beside: dict[str, Tensor] | None = None) -> Tensor:
        x: Any = ids_BT if self.embedding is None else self.embedding(ids_BT)
        states_BTD: Tensor = ran(self.encoder, x, lengths_B, into=beside, name="encoder")[0]
        return states_BTD
