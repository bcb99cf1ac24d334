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
from seqspec.components.graphs import Function, Graph, Substitute, TensorState, source_arguments
from seqspec.components.outputs import Aligned, Only, Output, Scored, ran, terms, wanted
from seqspec.components.search._hypothesis import Continuation, Hypothesis
from seqspec.components.search._suppressed import Suppressed
from seqspec.components.search._times import Times
from seqspec.components.stepped_graphs import Stepper, begin_by, step_by, step_graph, stepper
from seqspec.data.batching.batch import Batch
from seqspec.schema.model.encoder_decoder import EncoderDecoderConfig
from seqspec.schema.types import BOS, EOS, PAD, Frames, Tokens, Type


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
        if config.tie in ("target", "all"):
            self.head.tie(self.decoder.embedding.weight_VD)
        if config.tie in ("all", "embeddings"):
            table = self.embedding if self.embedding is not None else self.encoder.embedding
            table.weight_VD = self.decoder.embedding.weight_VD
        self.source_end = config.source_end
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
        self.with_lengths = not isinstance(takes["source"], Tokens)
        """Whether the embedding may change lengths."""
        command = config.command
        self.begin: int = BOS if command is None else self.decoder.embedding.command_id(command)
        """The id that the decoder reads first."""
        self.prompt = _prompt(takes.get("target"))
        self.suppressed: Suppressed | None = None
        """Ids of the target that a search is given."""
        self.times: Times | None = None
        """Rules for times that a search is to write."""

    def outputs(self, batch: Batch, *, only: Only = None) -> dict[str, Output]:
        """``tokens``: a state before each target, the end of each among them; further heads at the encoder's
        states.
        """
        assert batch.target_lengths is not None
        beside: dict[str, Tensor] = {}
        memory, lengths = self.encode(batch, beside)
        inputs_BU, labels_BU = with_ends(batch.target, batch.target_lengths, begin=self.begin, end=EOS)
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
        return self.read(batch.source, batch.source_lengths, beside)

    def read(
        self, x_BTD: Any, lengths_B: Tensor | None, beside: dict[str, Tensor] | None = None
    ) -> tuple[Tensor, Tensor]:
        """``encode`` for a source that stands in no batch."""
        if self.source_end:
            assert lengths_B is not None
            _, x_BTD = with_ends(x_BTD, lengths_B, begin=BOS, end=EOS)
            lengths_B = lengths_B + 1
        if self.embedding is not None and self.with_lengths:
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
        state = self.start(memory_BSD, lengths_B)
        *read, first = (self.begin, *self.prompt)
        for id in read:
            _, state = self.step(torch.full((count,), id, device=lengths_B.device), state)
        first_B = torch.full((count,), first, device=lengths_B.device)
        limits_B = torch.full((count,), longest_output(self.decoder) - len(read), device=lengths_B.device)

        def ctc() -> Tensor:
            return self.scored(self.head_names[0], memory_BSD).float().log_softmax(-1)

        aligned = ctc if self.head_names else None
        step = self.step if self.suppressed is None else self.suppressed.over(self.step)
        step = step if self.times is None else self.times.over(step)
        return search(Continuation(first_B, state, step, limits_B, lengths_B, batch.index, ctc=aligned))

    def start(self, memory_BSD: Tensor, lengths_B: Tensor) -> Any:
        """The decoder's state before its first step."""
        return self.decoder.start(memory_BSD, lengths_B, examples=lengths_B.shape[0])

    def step(self, ids_N: Tensor, state: Any, *, look: bool = False) -> tuple[Tensor, Any]:
        """Logits after one more id, and the state that knows it."""
        hidden_ND, state = self.decoder.step(ids_N, state, look=look)
        return self.head(hidden_ND), state

    def score(self, batch: Batch) -> Tensor:
        """``[B]``: the log-probability of each target, its end included, when it is forced."""
        assert batch.target_lengths is not None
        memory, lengths = self.encode(batch)
        inputs_BU, labels_BU = with_ends(batch.target, batch.target_lengths, begin=self.begin, end=EOS)
        return log_probabilities(self.decoder(inputs_BU, memory, lengths), labels_BU, self.head).sum(1)

    def attention(self, batch: Batch) -> Tensor | None:
        """``[B, U + 1, S]``: where each target id, and the end, was looked for in the source, when forced;
        ``None`` where the decoder has no attention.
        """
        assert batch.target_lengths is not None
        memory_BSD, lengths_B = self.encode(batch)
        inputs_BU, _ = with_ends(batch.target, batch.target_lengths, begin=self.begin, end=EOS)
        state = self.decoder.start(memory_BSD, lengths_B, examples=len(lengths_B))
        looked = []
        for ids_B in inputs_BU.unbind(1):
            _, state = self.decoder.step(ids_B, state, look=True)
            if state.attention is None:
                return None
            looked.append(state.attention)
        return torch.stack(looked, 1)

    def graphs(self, batch: Batch) -> tuple[Graph, ...]:
        """``encode`` and ``step``."""
        assert batch.target_lengths is not None
        given, inputs = source_arguments(batch)
        stepping = self._stepper(*self.read(given["source"], given.get("lengths")))
        fixed = stepping.state.fixed

        def encode(source: Tensor, lengths_B: Tensor | None = None) -> tuple[Tensor, ...]:
            return tuple(self._stepper(*self.read(source, lengths_B)).state.fixed.values())

        outputs = {name: stepping.state.axes[name] for name in fixed}
        note = "What the decoder looks at, worked out once a source."
        prefix_BU, _ = with_ends(batch.target, batch.target_lengths, begin=self.begin, end=EOS)
        encoding = Graph("encode", Function(self, encode), given, inputs, outputs, note)
        return (encoding, step_graph(self, stepping, prefix_BU))

    def _stepper(self, memory_BSD: Tensor, lengths_B: Tensor) -> Stepper:
        return stepper(self.decoder, self.head, memory_BSD, lengths_B, lengths_B.shape[0])

    def substitutes(self, graphs: Mapping[str, Substitute]) -> dict[str, Any]:
        """The methods that ``decode`` calls, by the graphs in another runtime."""

        def encode(batch: Batch, beside: dict[str, Tensor] | None = None) -> tuple[Any, Tensor]:
            if beside is not None:  # Losses are no search: their decoder reads states of its own.
                return EncoderDecoder.encode(self, batch, beside)
            given, _ = source_arguments(batch)
            assert batch.source_lengths is not None
            return graphs["encode"](*given.values()), batch.source_lengths

        def start(fixed: tuple[Tensor, ...], lengths_B: Tensor) -> TensorState:
            return begin_by(graphs["step"].graph, fixed, len(lengths_B))

        return {"encode": encode, "start": start, "step": step_by(graphs["step"])}


def _prompt(target: Type | None) -> tuple[int, ...]:
    """Ids behind the special ones."""
    count = target.prompt if isinstance(target, Tokens) else 0
    return tuple(range(EOS + 1, EOS + 1 + count))
