"""Connectionist temporal classification."""

# B batch, T frames, S states, V vocabulary, U target time

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from seqspec.components._layers.ctc_alignment import occupancy
from seqspec.components.graphs import Axes, Function, Graph, log_probabilities, source_arguments
from seqspec.components.outputs import Aligned, Only, Output, ran, terms, wanted
from seqspec.components.search._hypothesis import Hypothesis
from seqspec.data.batching.batch import Batch
from seqspec.schema.model.ctc import CtcConfig
from seqspec.schema.types import Type


class Ctc(nn.Module):
    """An encoder and a head; nothing written depends on what was written before."""

    def __init__(self, config: CtcConfig, takes: Mapping[str, Type], parts: Callable[[str], Any]) -> None:
        super().__init__()
        self.encoder: nn.Module = parts("encoder")
        self.head: nn.Module = parts("head")

    def outputs(self, batch: Batch, *, only: Only = None) -> dict[str, Output]:
        """``ctc``: scores at each state, beside the target that they are to be aligned with."""
        assert batch.target_lengths is not None
        beside: dict[str, Tensor] = {}
        states_BSD, lengths_B = ran(
            self.encoder, batch.source, batch.source_lengths, into=beside, name="encoder"
        )
        found: dict[str, Output] = {}
        if wanted("ctc", only):
            found["ctc"] = Aligned(self.head(states_BSD), lengths_B, batch.target, batch.target_lengths)
        return found | dict(terms(beside, batch.target_lengths.sum(), only))

    @torch.no_grad()
    def decode(
        self, batch: Batch, search: Callable[..., Sequence[Sequence[Hypothesis]]]
    ) -> list[list[Hypothesis]]:
        """The hypotheses of each example, best first."""
        assert batch.source is not None
        assert batch.source_lengths is not None
        return [list(found) for found in search(*self.log_probs(batch.source, batch.source_lengths))]

    def log_probs(self, source_BTD: Tensor, lengths_B: Tensor) -> tuple[Tensor, Tensor]:
        """``[B, S, V]`` log-probabilities of every symbol and the blank at each state, and the lengths."""
        states_BSD, lengths_B = self.encoder(source_BTD, lengths_B)
        return log_probabilities(self.head(states_BSD)), lengths_B

    def advance(self, source_BTD: Tensor, state: Any, *, last: bool) -> tuple[Tensor, Any]:
        """``log_probs`` of the states that can be told once these frames of a stream have come, and the
        encoder's state (``None`` at first).
        """
        encoder: Any = self.encoder
        states_BSD, state = encoder.advance(source_BTD, state, last=last)
        return log_probabilities(self.head(states_BSD)), state

    def graphs(self, batch: Batch) -> tuple[Graph, ...]:
        """``log_probs``, whose best path or beam is what was said."""
        given, inputs = source_arguments(batch)
        outputs: dict[str, Axes] = {"log_probs": ("batch", "states", None), "state_lengths": ("batch",)}
        note = "Log-probabilities at each state; id 0 is the blank."
        return (Graph("log_probs", Function(self, self.log_probs), given, inputs, outputs, note),)

    @torch.no_grad()
    def attention(self, batch: Batch) -> Tensor:
        """``[B, U, S]``: the probability that state s wrote target symbol u, given that the target was
        written.
        """
        logits_BSV, lengths_B = self._logits(batch)
        assert batch.target_lengths is not None
        return occupancy(logits_BSV.float().log_softmax(-1), lengths_B, batch.target, batch.target_lengths)

    def _logits(self, batch: Batch) -> tuple[Tensor, Tensor]:
        states_BSD, lengths_B = self.encoder(batch.source, batch.source_lengths)
        return self.head(states_BSD), lengths_B
