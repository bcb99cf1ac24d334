"""An encoder that reads the source whole and a decoder that writes the target one token after another."""

# B batch, T source time, U target time, S encoder time, D width, V vocabulary, N hypotheses

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from seqspec.components._layers.linear_cross_entropy import log_probabilities
from seqspec.components._layers.masks import with_ends
from seqspec.components._layers.transformer_layer import suit_positions
from seqspec.components.loss._loss import Loss
from seqspec.components.loss.ctc import Ctc
from seqspec.components.search._hypothesis import Continuation, Hypothesis
from seqspec.data.batching.batch import Batch
from seqspec.schema.loss.ctc import CtcConfig
from seqspec.schema.model.encoder_decoder import EncoderDecoderConfig
from seqspec.schema.types import BOS, EOS, Frames, Logits, Type

Search = Callable[[Continuation], list[list[Hypothesis]]]


class EncoderDecoder(nn.Module):
    """Teacher forcing for the loss, a search for answers."""

    def __init__(
        self, config: EncoderDecoderConfig, takes: Mapping[str, Type], parts: Callable[[str], Any]
    ) -> None:
        super().__init__()
        self.embedding = parts("embedding")
        self.encoder = parts("encoder")
        suit_positions(self.encoder, self.embedding)
        self.decoder = parts("decoder")
        self.head = parts("head")
        self.ctc_weight = config.ctc_weight
        self.ctc_head = parts("ctc_head")
        self.ctc = Ctc(CtcConfig(), Logits(0, blank=True))
        if config.tie != "none":
            self.head.tie(self.decoder.embedding.weight_VD)
        if config.tie == "all":
            self.embedding.weight_VD = self.decoder.embedding.weight_VD
        self.tasks = None
        if config.task_vectors:
            self.task = config.task
            source = takes["source"]
            width = (
                source.dim if isinstance(source, Frames) and self.embedding is None else self.embedding.dim
            )
            self.tasks = nn.Parameter(
                nn.init.normal_(torch.empty(config.task_vectors, width), std=width**-0.5)
            )
        self.frames = isinstance(takes["source"], Frames)

    def loss(self, batch: Batch, criterion: Callable[..., Loss]) -> Loss:
        """Sums of ``criterion`` over the targets, the end of each among them."""
        assert batch.target_lengths is not None
        memory, lengths = self.encode(batch)
        inputs_BU, labels_BU = with_ends(batch.target, batch.target_lengths, begin=BOS, end=EOS)
        loss: Loss = criterion(self.decoder(inputs_BU, memory, lengths), labels_BU, self.head)
        for part in (self.encoder, self.decoder):
            # What a part asks for beside the likelihood, such as the cost of thinking longer, is meant a
            # target.
            if getattr(part, "penalty", None) is not None:
                loss = loss._replace(total=loss.total + part.penalty * loss.count)
        return loss if self.ctc_head is None else self._joint(loss, memory, lengths, batch)

    def _joint(self, loss: Loss, memory_BSD: Tensor, lengths_B: Tensor, batch: Batch) -> Loss:
        side: Loss = self.ctc(self.ctc_head(memory_BSD), lengths_B, batch.target, batch.target_lengths)
        total = (1 - self.ctc_weight) * loss.total + self.ctc_weight * side.total
        return Loss(total, loss.count, {**loss.terms, **side.terms})

    def encode(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """States ``[B, S, D]`` and their lengths."""
        assert batch.source is not None
        x_BTD, lengths_B = batch.source, batch.source_lengths
        if self.embedding is not None and self.frames:
            x_BTD, lengths_B = self.embedding(x_BTD, lengths_B)
        elif self.embedding is not None:
            x_BTD = self.embedding(x_BTD)
        if self.tasks is not None:
            x_BTD = x_BTD + self.tasks[self.task]
        states: tuple[Tensor, Tensor] = self.encoder(x_BTD, lengths_B)
        return states

    def decode(self, batch: Batch, search: Search) -> list[list[Hypothesis]]:
        """The search's answers for each example, best first."""
        memory_BSD, lengths_B = self.encode(batch)
        count = len(lengths_B)
        state = self.decoder.start(memory_BSD, lengths_B, examples=count)
        first_B = torch.full((count,), BOS, device=lengths_B.device)
        limits_B = torch.full((count,), torch.iinfo(torch.int64).max, device=lengths_B.device)

        def ctc() -> Tensor:
            log_probs_BSV: Tensor = self.ctc_head(memory_BSD).float().log_softmax(-1)
            return log_probs_BSV

        aligned = None if self.ctc_head is None else ctc
        return search(Continuation(first_B, state, self.step, limits_B, lengths_B, batch.index, ctc=aligned))

    def step(self, ids_N: Tensor, state: Any, *, look: bool = False) -> tuple[Tensor, Any]:
        """Logits after one more id, and the state that knows it."""
        hidden_ND, state = self.decoder.step(ids_N, state, look=look)
        return self.head(hidden_ND), state

    def score(self, batch: Batch) -> Tensor:
        """``[B]``: the log-probability of each target, its end included, when it is forced."""
        assert batch.target_lengths is not None
        memory, lengths = self.encode(batch)
        inputs_BU, labels_BU = with_ends(batch.target, batch.target_lengths, begin=BOS, end=EOS)
        return log_probabilities(self.decoder(inputs_BU, memory, lengths), labels_BU, self.head).sum(1)

    def attention(self, batch: Batch) -> Tensor | None:
        """``[B, U + 1, S]``: where each target id, and the end, was looked for in the source, when forced;
        ``None`` where the decoder has no attention.
        """
        assert batch.target_lengths is not None
        memory_BSD, lengths_B = self.encode(batch)
        inputs_BU, _ = with_ends(batch.target, batch.target_lengths, begin=BOS, end=EOS)
        state = self.decoder.start(memory_BSD, lengths_B, examples=len(lengths_B))
        looked = []
        for ids_B in inputs_BU.unbind(1):
            _, state = self.decoder.step(ids_B, state, look=True)
            if state.attention is None:
                return None
            looked.append(state.attention)
        return torch.stack(looked, 1)
