"""The decoder of GPT-2: the Transformer's layers with what GPT-2 sets, so that its folders can be read as
they are.
"""

# B batch, N hypotheses (B times the beam), U target time, D width

from __future__ import annotations

from collections.abc import Callable, Mapping

from torch import Tensor, nn

from seqspec.components._layers.masks import document_mask
from seqspec.components._layers.transformer_layer import Context, Entrance, TransformerLayer, make_norm
from seqspec.components._layers.transformer_step import TransformerState, start_layers, step_layers
from seqspec.schema.decoder.gpt2 import Gpt2Config
from seqspec.schema.types import Type


class Gpt2(nn.Module):
    """Teacher forcing through ``forward``, search through ``start`` and ``step``."""

    stacked = ("layers",)
    reads_places = True
    """Its last layer can work out some places alone."""

    def __init__(
        self, config: Gpt2Config, takes: Mapping[str, Type], parts: Callable[[str], nn.Module]
    ) -> None:
        super().__init__()
        assert config.dim is not None
        assert config.num_layers is not None
        stack = config.stack()
        self.embedding = parts("embedding")
        self.entrance = Entrance(stack, dim=config.dim, causal=True)
        self.entrance.suit(self.embedding)
        layers = (TransformerLayer(stack, dim=config.dim, causal=True) for _ in range(config.num_layers))
        self.layers = nn.ModuleList(layers)
        self.norm = make_norm(stack, config.dim)

    @property
    def max_positions(self) -> int | None:
        """Positions that it knows."""
        return self.entrance.max_positions

    def forward(
        self,
        ids_BU: Tensor,
        memory_BSD: Tensor | None = None,
        memory_lengths_B: Tensor | None = None,
        segments_BU: Tensor | None = None,
        places_BK: Tensor | None = None,
    ) -> Tensor:
        """Hidden states ``[B, U, D]``; state u has read ids up to u.  ``segments_BU`` keeps packed documents
        apart; with ``places_BK`` there are states ``[B, K, D]`` of these places alone.
        """
        mask = None if segments_BU is None else document_mask(segments_BU)
        context = Context(mask=mask, causal=mask is None)
        x_BUD = self.entrance(self.embedding(ids_BU))
        for layer in self.layers[:-1]:
            x_BUD = layer(x_BUD, context)
        x_BUD = self.layers[-1](x_BUD, context, places_BK)
        normed: Tensor = self.norm(x_BUD)
        return normed

    def start(
        self, memory_BSD: Tensor | None, memory_lengths_B: Tensor | None, *, examples: int
    ) -> TransformerState:
        """Nothing read yet."""
        return start_layers(self.layers, None, None, examples=examples)

    def step(
        self, ids_N: Tensor, state: TransformerState, *, look: bool = False
    ) -> tuple[Tensor, TransformerState]:
        """One more id a hypothesis; gives its hidden state ``[N, D]``."""
        x_ND = self.entrance(self.embedding(ids_N)[:, None], start=state.position)[:, 0]
        x_ND, after = step_layers(self.layers, x_ND, state)
        return self.norm(x_ND), after
