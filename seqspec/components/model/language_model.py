"""A decoder alone: the probability of a text, one token after another."""

# B batch, U target time, D width, V vocabulary, N hypotheses

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from seqspec.components._layers.linear_cross_entropy import log_probabilities
from seqspec.components._layers.masks import with_ends
from seqspec.components.loss._loss import Loss
from seqspec.components.search._hypothesis import Continuation, Hypothesis
from seqspec.data.batching.batch import Batch
from seqspec.schema.model.language_model import LanguageModelConfig
from seqspec.schema.types import BOS, EOS, Type

Search = Callable[[Continuation], list[list[Hypothesis]]]


class LanguageModel(nn.Module):
    """Reads one text an example, or packed rows, where ``batch.source`` holds the inputs and ``batch.target``
    the labels.
    """

    def __init__(
        self, config: LanguageModelConfig, takes: Mapping[str, Type], parts: Callable[[str], Any]
    ) -> None:
        super().__init__()
        self.decoder = parts("decoder")
        self.head = parts("head")
        if config.tie != "none":
            self.head.tie(self.decoder.embedding.weight_VD)

    def loss(self, batch: Batch, criterion: Callable[..., Loss]) -> Loss:
        """Sums of ``criterion`` over the targets; of texts that stand alone, the end is one."""
        inputs_BU, labels_BU = _pairs(batch)
        loss: Loss = criterion(self._read(inputs_BU, batch), labels_BU, self.head)
        penalty = getattr(self.decoder, "penalty", None)
        return loss if penalty is None else loss._replace(total=loss.total + penalty * loss.count)

    def _read(self, inputs_BU: Tensor, batch: Batch) -> Tensor:
        hidden_BUD: Tensor = self.decoder(inputs_BU, segments_BU=batch.segments)
        return hidden_BUD

    def score(self, batch: Batch) -> Tensor:
        """``[B]``: the log-probability of each row."""
        inputs_BU, labels_BU = _pairs(batch)
        return log_probabilities(self._read(inputs_BU, batch), labels_BU, self.head).sum(1)

    def decode(self, batch: Batch, search: Search) -> list[list[Hypothesis]]:
        """Goes on from each target as a prompt, which may be empty; answers hold what was added."""
        assert batch.target_lengths is not None
        if len(set(batch.target_lengths.tolist())) > 1:
            return self._decode_apart(batch, search)
        count, size = len(batch.target), int(batch.target_lengths[0])
        prompt_BU, _ = with_ends(batch.target[:, :size], batch.target_lengths, begin=BOS, end=EOS)
        state = self.decoder.start(None, None, examples=count)
        for ids_B in prompt_BU[:, :-1].unbind(1):
            _, state = self.decoder.step(ids_B, state)
        limits_B = torch.full((count,), torch.iinfo(torch.int64).max, device=prompt_BU.device)
        return search(
            Continuation(
                prompt_BU[:, -1], state, self.step, limits_B, index_B=batch.index, read_BU=prompt_BU[:, :-1]
            )
        )

    def _decode_apart(self, batch: Batch, search: Search) -> list[list[Hypothesis]]:
        """Prompts of different lengths go on in groups of one length."""
        assert batch.target_lengths is not None
        answers: list[list[Hypothesis]] = [[] for _ in batch.index]
        for length in batch.target_lengths.unique().tolist():
            rows = (batch.target_lengths == length).nonzero().squeeze(1)
            group = batch._replace(
                target=batch.target[rows], target_lengths=batch.target_lengths[rows], index=batch.index[rows]
            )
            for row, found in zip(rows.tolist(), self.decode(group, search), strict=True):
                answers[row] = found
        return answers

    def step(self, ids_N: Tensor, state: Any, *, look: bool = False) -> tuple[Tensor, Any]:
        """Logits after one more id, and the state that knows it."""
        hidden_ND, state = self.decoder.step(ids_N, state)
        return self.head(hidden_ND), state


def _pairs(batch: Batch) -> tuple[Tensor, Tensor]:
    if batch.source is not None:
        return batch.source, batch.target
    assert batch.target_lengths is not None
    return with_ends(batch.target, batch.target_lengths, begin=BOS, end=EOS)
