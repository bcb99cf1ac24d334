"""An encoder that reads the source whole and a decoder that writes the target one token after another."""

# B batch, T source time, U target time, S encoder time, D width, V vocabulary, N hypotheses

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from seqspec.components._layers.input_limits import longest_output
from seqspec.components._layers.linear_cross_entropy import log_probabilities
from seqspec.components._layers.masks import with_ends
from seqspec.components._layers.transformer_layer import suit_positions
from seqspec.components.outputs import Aligned, Only, Output, Scored, ran, terms, wanted
from seqspec.components.search._hypothesis import Continuation, Hypothesis
from seqspec.data.batching.batch import Batch
from seqspec.schema.model.encoder_decoder import EncoderDecoderConfig
from seqspec.schema.types import BOS, EOS, PAD, Frames, Type


class EncoderDecoder(nn.Module):
    """Teacher forcing for the loss, a search for answers."""

    def __init__(self, config: EncoderDecoderConfig, takes: Mapping[str, Type], parts: Any) -> None:
        super().__init__()
        self.embedding = parts("embedding")
        self.encoder = parts("encoder")
        suit_positions(self.encoder, self.embedding)
        self.decoder = parts("decoder")
        self.head = parts("head")
        heads = parts.named("outputs")
        self.head_names = tuple(heads)
        """Further outputs, scores at the encoder's states, each by the module ``head_NAME``."""
        for name, head in heads.items():
            self.add_module(f"head_{name}", head)
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

    def outputs(self, batch: Batch, *, only: Only = None) -> dict[str, Output]:
        """``tokens``: a state before each target, the end of each among them; further heads at the encoder's
        states.
        """
        assert batch.target_lengths is not None
        beside: dict[str, Tensor] = {}
        memory, lengths = self.encode(batch, beside)
        inputs_BU, labels_BU = with_ends(batch.target, batch.target_lengths, begin=BOS, end=EOS)
        found: dict[str, Output] = {}
        if wanted("tokens", only) or wanted("decoder", only):
            hidden = ran(self.decoder, inputs_BU, memory, lengths, into=beside, name="decoder")
            found["tokens"] = Scored(hidden, labels_BU, self.head)
        for name in self.head_names:
            if wanted(name, only):
                logits_BSV = self.scored(name, memory)
                found[name] = Aligned(logits_BSV, lengths, batch.target, batch.target_lengths)
        return found | dict(terms(beside, (labels_BU != PAD).sum(), only))

    def scored(self, name: str, memory_BSD: Tensor) -> Tensor:
        """Logits ``[B, S, V]`` of a further output."""
        logits_BSV: Tensor = self.get_submodule(f"head_{name}")(memory_BSD)
        return logits_BSV

    def encode(self, batch: Batch, beside: dict[str, Tensor] | None = None) -> tuple[Tensor, Tensor]:
        """States ``[B, S, D]`` and their lengths; ``beside`` takes the encoder's auxiliary outputs."""
        assert batch.source is not None
        x_BTD, lengths_B = batch.source, batch.source_lengths
        if self.embedding is not None and self.frames:
            x_BTD, lengths_B = self.embedding(x_BTD, lengths_B)
        elif self.embedding is not None:
            x_BTD = self.embedding(x_BTD)
        if self.tasks is not None:
            x_BTD = x_BTD + self.tasks[self.task]
        states: tuple[Tensor, Tensor] = ran(self.encoder, x_BTD, lengths_B, into=beside, name="encoder")
        return states

    def decode(self, batch: Batch, search: Any) -> list[list[Hypothesis]]:
        """The search's answers for each example, best first, from the output that it names in ``on``."""
        memory_BSD, lengths_B = self.encode(batch)
        on: str = getattr(search, "on", None) or ""
        if on in self.head_names:
            found = search(self.scored(on, memory_BSD).float().log_softmax(-1), lengths_B)
            return [list(hypotheses) for hypotheses in found]
        count = len(lengths_B)
        state = self.decoder.start(memory_BSD, lengths_B, examples=count)
        first_B = torch.full((count,), BOS, device=lengths_B.device)
        limits_B = torch.full((count,), longest_output(self.decoder), device=lengths_B.device)

        def ctc() -> Tensor:
            return self.scored(self.head_names[0], memory_BSD).float().log_softmax(-1)

        aligned = ctc if self.head_names else None
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
