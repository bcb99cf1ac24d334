"""Transformer decoder: all positions at once for training, one at a time with cached keys and values for
search.
"""

# B batch, N hypotheses (B times the beam), U target time, S memory time, D width

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from seqspec.components._layers.masks import document_mask
from seqspec.components._layers.transformer_layer import (
    Context,
    Entrance,
    TransformerLayer,
    exchanged,
    make_norm,
)
from seqspec.components._layers.transformer_step import (
    BoundedState,
    State,
    TransformerState,
    empty_cache,
    has_padding,
    memory_mask,
    step_layers,
)
from seqspec.schema.decoder.transformer import TransformerConfig
from seqspec.schema.types import PAD, States, Type


class Transformer(nn.Module):
    """Teacher forcing through ``forward``, search through ``start`` and ``step``."""

    stacked = ("layers",)

    def __init__(self, config: TransformerConfig, takes: Mapping[str, Type], parts: Any) -> None:
        super().__init__()
        assert config.dim is not None
        self.auxiliary = tuple(config.auxiliary())
        memory = takes.get("memory")
        memory_dim = memory.dim if isinstance(memory, States) else None
        self.embedding = parts("embedding")
        self.entrance = Entrance(config, dim=config.dim, causal=True)
        self.entrance.suit(self.embedding)
        inner = exchanged(config, parts, dim=config.dim)
        self.routes = any(one.feed_forward is not None for one in inner)
        self.full = any(one.self_attention is None for one in inner)
        layers = (
            TransformerLayer(config, dim=config.dim, causal=True, memory_dim=memory_dim, **one._asdict())
            for one in inner
        )
        self.layers = nn.ModuleList(layers)
        self.bounded = any(one.self_attention is not None for one in inner)
        self.norm = make_norm(config, config.dim) if config.norm == "pre" and config.final_norm else None

    @property
    def max_positions(self) -> int | None:
        """Positions that it knows, where they are learned."""
        return self.entrance.max_positions

    def forward(
        self,
        ids_BU: Tensor,
        memory_BSD: Tensor | None = None,
        memory_lengths_B: Tensor | None = None,
        segments_BU: Tensor | None = None,
        *,
        auxiliary: dict[str, Tensor] | None = None,
    ) -> Tensor:
        """Hidden states ``[B, U, D]``; state u has read ids up to u.  ``segments_BU`` keeps packed documents
        apart.
        """
        size = ids_BU.shape[1]
        mask = document_mask(segments_BU) if segments_BU is not None and self.full else None
        biased = self.entrance.biased(mask, queries=size, keys=size, causal=True, device=ids_BU.device)
        context = Context(
            mask=biased,
            causal=biased is None,
            real_BT=ids_BU != PAD if self.routes else None,
            auxiliary=auxiliary,
            memory_BSD=memory_BSD,
            memory_mask=memory_mask(memory_BSD, memory_lengths_B),
            segments_BT=segments_BU,
        )
        x_BUD = self.entrance(self.embedding(ids_BU))
        for layer in self.layers:
            x_BUD = layer(x_BUD, context)
        return x_BUD if self.norm is None else self.norm(x_BUD)

    def start(
        self, memory_BSD: Tensor | None, memory_lengths_B: Tensor | None, *, examples: int
    ) -> TransformerState | BoundedState:
        """Nothing read yet; the memory's keys and values are worked out once.  ``examples`` is B."""
        layers = tuple(empty_cache(layer, memory_BSD, examples=examples) for layer in self.layers)
        mask = memory_mask(memory_BSD, memory_lengths_B)
        padded = has_padding(memory_BSD, memory_lengths_B)
        return (BoundedState if self.bounded else TransformerState)(0, layers, mask, padded=padded)

    def step(self, ids_N: Tensor, state: State, *, look: bool = False) -> tuple[Tensor, State]:
        """One more id a hypothesis; gives its hidden state ``[N, D]``.  ``look`` asks for ``attention`` in
        the state.
        """
        x_ND = self.entrance(self.embedding(ids_N)[:, None], start=state.position)[:, 0]
        keys = state.position + 1
        mask = self.entrance.biased(None, queries=1, keys=keys, causal=False, device=ids_N.device)
        x_ND, after = step_layers(self.layers, x_ND, state, mask=mask, look=look)
        return (x_ND if self.norm is None else self.norm(x_ND)), after
