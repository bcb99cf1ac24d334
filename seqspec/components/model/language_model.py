"""A decoder alone: the probability of a text, one token after another."""

# B batch, U target time, D width, V vocabulary, N hypotheses

from __future__ import annotations

from collections.abc import Callable, Mapping
from operator import itemgetter
from typing import Any

import torch
from torch import Tensor, nn

from seqspec.components._layers.linear_cross_entropy import log_probabilities
from seqspec.components._layers.masks import length_mask, with_ends
from seqspec.components._layers.places import places_of
from seqspec.components._layers.sliding_window import Window, begin_window, step_window
from seqspec.components.graphs import Axes, Function, Graph, Substitute
from seqspec.components.graphs import log_probabilities as log_probs_of
from seqspec.components.outputs import Only, Output, Scored, ran, terms, wanted
from seqspec.components.search._hypothesis import Continuation, Hypothesis
from seqspec.components.stepped_graphs import begin_by, step_by, step_graph, stepper
from seqspec.data.batching.batch import Batch, Field
from seqspec.schema.model.language_model import LanguageModelConfig
from seqspec.schema.types import BOS, EOS, PAD, AnswerSpans, Type

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
        self.answers = next((name for name, kind in takes.items() if isinstance(kind, AnswerSpans)), "")
        if config.tie != "none":
            self.head.tie(self.decoder.embedding.weight_VD)

    def outputs(self, batch: Batch, *, only: Only = None) -> dict[str, Output]:
        """``tokens``: a state before each target; of texts that stand alone, the end is one.  While only
        answers are learned, there may be no states of what is not.
        """
        inputs_BU, labels_BU = self._pairs(batch)
        beside: dict[str, Tensor] = {}
        places_BK = self._places(labels_BU)
        hidden_BUD = self._read(inputs_BU, batch, beside, places_BK)
        if places_BK is not None:
            labels_BU = labels_BU.gather(1, places_BK)
        found: dict[str, Output] = {}
        if wanted("tokens", only):
            found["tokens"] = Scored(hidden_BUD, labels_BU, self.head)
        return found | dict(terms(beside, (labels_BU != PAD).sum(), only))

    def _read(
        self,
        inputs_BU: Tensor,
        batch: Batch,
        beside: dict[str, Tensor] | None = None,
        places_BK: Tensor | None = None,
    ) -> Tensor:
        more = {} if places_BK is None else {"places_BK": places_BK}
        hidden_BUD: Tensor = ran(
            self.decoder, inputs_BU, segments_BU=batch.segments, into=beside, name="decoder", **more
        )
        return hidden_BUD

    def _places(self, labels_BU: Tensor) -> Tensor | None:
        """``[B, K]``: where a step learns something, if the decoder can do without the other places.
        Elsewhere than on a CPU finding out would make the host wait for the device.
        """
        of_use = self.training and self.answers and getattr(self.decoder, "reads_places", False)
        return places_of(labels_BU != PAD) if of_use and labels_BU.device.type == "cpu" else None

    def score(self, batch: Batch) -> Tensor:
        """``[B]``: the log-probability of each row."""
        inputs_BU, labels_BU = self._pairs(batch)
        return log_probabilities(self._read(inputs_BU, batch), labels_BU, self.head).sum(1)

    def decode(self, batch: Batch, search: Search) -> list[list[Hypothesis]]:
        """Goes on from each target as a prompt, which may be empty; answers hold what was added.

        A decoder that has learned a limited number of positions reads the newest ids only.
        """
        assert batch.target_lengths is not None
        if len(set(batch.target_lengths.tolist())) > 1:
            return self._decode_apart(batch, search)
        count, size = len(batch.target), int(batch.target_lengths[0])
        prompt_BU, _ = with_ends(batch.target[:, :size], batch.target_lengths, begin=BOS, end=EOS)
        known: int | None = getattr(self.decoder, "max_positions", None)
        if known is None:
            state, seen_BU = self.start(count), prompt_BU
        else:
            state = begin_window(self.decoder, examples=count, device=prompt_BU.device)
            seen_BU = prompt_BU[:, -known:]
        for ids_B in seen_BU[:, :-1].unbind(1):
            _, state = self._advance(ids_B, state)
        limits_B = torch.full((count,), torch.iinfo(torch.int64).max, device=prompt_BU.device)
        return search(
            Continuation(
                prompt_BU[:, -1], state, self.step, limits_B, index_B=batch.index, read_BU=prompt_BU[:, :-1]
            )
        )

    def start(self, count: int) -> Any:
        """The decoder's state before its first step, for ``count`` examples."""
        return self.decoder.start(None, None, examples=count)

    def graphs(self, batch: Batch) -> tuple[Graph, ...]:
        """``log_probs`` of whole texts, and ``step``."""
        inputs_BU, _ = self._pairs(batch)

        def log_probs(ids_BU: Tensor) -> tuple[Tensor, ...]:
            return (log_probs_of(self.head(self.decoder(ids_BU))),)

        axes: dict[str, Axes] = {"ids": ("batch", "length")}
        outputs: dict[str, Axes] = {"log_probs": ("batch", "length", None)}
        note = "Log-probabilities of the id after each; texts begin with `bos`."
        whole = Graph("log_probs", Function(self, log_probs), {"ids": inputs_BU}, axes, outputs, note)
        template = self.start(inputs_BU.shape[0])
        if not hasattr(template, "tensors"):
            return (whole,)
        stepping = stepper(self.decoder, self.head, None, None, inputs_BU.shape[0])
        return (whole, step_graph(self, stepping, inputs_BU))

    def substitutes(self, graphs: Mapping[str, Substitute]) -> dict[str, Any]:
        """The methods that ``decode`` calls, by the graphs in another runtime."""
        if "step" not in graphs:
            return {}
        step = step_by(graphs["step"])
        return {"start": lambda count: begin_by(graphs["step"].graph, (), count), "step": step,
                "_advance": step}  # fmt: skip

    def _pairs(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Inputs and labels ``[B, U]``; labels are ``PAD`` where nothing is learned."""
        if batch.source is not None:
            return batch.source, batch.target
        assert batch.target_lengths is not None
        inputs_BU, labels_BU = with_ends(batch.target, batch.target_lengths, begin=BOS, end=EOS)
        if self.answers in batch.fields:
            labels_BU = _only(labels_BU, batch.fields[self.answers])
        return inputs_BU, labels_BU

    def _decode_apart(self, batch: Batch, search: Search) -> list[list[Hypothesis]]:
        """Prompts of different lengths go on in groups of one length."""
        assert batch.target_lengths is not None
        answers: list[list[Hypothesis]] = [[] for _ in batch.index]
        for length in batch.target_lengths.unique().tolist():
            rows = (batch.target_lengths == length).nonzero().squeeze(1)
            group = batch.map(itemgetter(rows))
            for row, found in zip(rows.tolist(), self.decode(group, search), strict=True):
                answers[row] = found
        return answers

    def step(self, ids_N: Tensor, state: Any, *, look: bool = False) -> tuple[Tensor, Any]:
        """Logits after one more id, and the state that knows it."""
        hidden_ND, state = self._advance(ids_N, state)
        return self.head(hidden_ND), state

    def _advance(self, ids_N: Tensor, state: Any) -> tuple[Tensor, Any]:
        if isinstance(state, Window):
            return step_window(self.decoder, ids_N, state)
        advanced: tuple[Tensor, Any] = self.decoder.step(ids_N, state)
        return advanced


def _only(labels_BU: Tensor, learned: Field) -> Tensor:
    """The labels at the places that are learned, and ``PAD`` at all others."""
    assert learned.lengths is not None
    real_BK = length_mask(learned.lengths, learned.values.shape[1])
    count_BU = torch.zeros_like(labels_BU).scatter_add(1, learned.values, real_BK.long())
    return labels_BU.masked_fill(count_BU == 0, PAD)
