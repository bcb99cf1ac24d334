"""Universal Transformer decoder: one layer, again and again, with keys and values cached for each time."""

# B batch, N hypotheses (B times the beam), U target time, S memory time, D width

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from torch import Tensor, nn

from seqspec.components._layers.dropout import Dropout
from seqspec.components._layers.masks import document_mask
from seqspec.components._layers.transformer_layer import Context, TransformerLayer, make_norm
from seqspec.components._layers.transformer_step import (
    LayerCache,
    TransformerState,
    empty_cache,
    has_padding,
    memory_mask,
    step_layer,
)
from seqspec.components._layers.universal import Recurrence
from seqspec.schema.decoder.universal_transformer import UniversalTransformerConfig
from seqspec.schema.types import States, Type


class UniversalTransformer(nn.Module):
    """Teacher forcing through ``forward``, search through ``start`` and ``step``.

    With adaptive halting, ``auxiliary`` is handed ``halting``: the cost of thinking, a mean over positions.
    """

    def __init__(
        self, config: UniversalTransformerConfig, takes: Mapping[str, Type], parts: Callable[[str], nn.Module]
    ) -> None:
        super().__init__()
        assert config.dim is not None
        assert config.input_dropout is not None
        memory = takes.get("memory")
        memory_dim = memory.dim if isinstance(memory, States) else None
        self.embedding = parts("embedding")
        self.dropout = Dropout(config.input_dropout)
        self.layer = TransformerLayer(config, dim=config.dim, causal=True, memory_dim=memory_dim)
        self.recurrence = Recurrence(config, dim=config.dim)
        self.norm = make_norm(config, config.dim) if config.norm == "pre" and config.final_norm else None
        self.auxiliary = tuple(config.auxiliary())

    def forward(
        self,
        ids_BU: Tensor,
        memory_BSD: Tensor | None = None,
        memory_lengths_B: Tensor | None = None,
        segments_BU: Tensor | None = None,
        *,
        auxiliary: dict[str, Tensor] | None = None,
    ) -> Tensor:
        """Hidden states ``[B, U, D]``; state u has read ids up to u."""
        mask = None if segments_BU is None else document_mask(segments_BU)
        context = Context(
            mask=mask,
            causal=mask is None,
            memory_BSD=memory_BSD,
            memory_mask=memory_mask(memory_BSD, memory_lengths_B),
        )

        def apply(x: Tensor, number: int) -> Tensor:
            after: Tensor = self.layer(x, context)
            return after

        x_BUD = self.dropout(self.embedding(ids_BU))
        hidden, cost = self.recurrence(x_BUD, apply, start=0, real=None)
        if auxiliary is not None and cost is not None:
            auxiliary["halting"] = cost
        return hidden if self.norm is None else self.norm(hidden)

    def start(
        self, memory_BSD: Tensor | None, memory_lengths_B: Tensor | None, *, examples: int
    ) -> TransformerState:
        """Nothing read yet; the memory's keys and values are worked out once for all times."""
        cache = empty_cache(self.layer, memory_BSD, examples=examples)
        return TransformerState(
            0,
            (cache,) * self.recurrence.count,
            memory_mask(memory_BSD, memory_lengths_B),
            padded=has_padding(memory_BSD, memory_lengths_B),
        )

    def step(
        self, ids_N: Tensor, state: TransformerState, *, look: bool = False
    ) -> tuple[Tensor, TransformerState]:
        """One more id a hypothesis; gives its hidden state ``[N, D]``."""
        caches: list[LayerCache] = []
        looked: list[Tensor | None] = []

        def apply(x_ND: Tensor, number: int) -> Tensor:
            after, cache, where = step_layer(
                self.layer, x_ND, state.layers[number], state, mask=None, look=look
            )
            caches.append(cache)
            looked.append(where)
            return after

        hidden, _ = self.recurrence(self.dropout(self.embedding(ids_N)), apply, start=state.position)
        hidden = hidden if self.norm is None else self.norm(hidden)
        attention = looked[-1] if look else None
        return hidden, replace(state, position=state.position + 1, layers=tuple(caches), attention=attention)
