"""MultiModel's input/output mixer and decoder.

Differs from Tensor2Tensor's first version in that attention leaves the source's padding out and sinusoids
fill all features.
"""

# B examples, N hypotheses (B times the beam), U target time, S memory time, D width

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from seqspec.components._layers.convolution_state import ConvolutionState
from seqspec.components._layers.dropout import Dropout
from seqspec.components._layers.module_list import ModuleList
from seqspec.components._layers.multimodel import (
    ConvolutionBlock,
    Merge,
    ResidualExperts,
    TargetAttention,
    TargetCache,
    sizes_of,
)
from seqspec.components._layers.separable import Separable
from seqspec.components._layers.transformer_step import memory_mask
from seqspec.components.decoder._packed_documents import refuse_documents
from seqspec.schema.decoder.multimodel import LOOK, MultimodelConfig
from seqspec.schema.types import PAD, States, Type

MultimodelState = ConvolutionState[TargetCache]


class Multimodel(nn.Module):
    """Teacher forcing through ``forward``, search through ``start`` and ``step``."""

    def __init__(
        self, config: MultimodelConfig, takes: Mapping[str, Type], parts: Callable[[str], Any]
    ) -> None:
        super().__init__()
        assert config.dim is not None
        self.embedding = parts("embedding")
        self.auxiliary = tuple(config.auxiliary())
        self.looks = ModuleList(_looks(config, takes.get("memory")))
        self.merge = Merge(config.dim, groups=config.merge_groups)
        self.mixer = ModuleList(_block(config) for _ in range(config.mixer_layers))
        self.blocks = ModuleList(_block(config) for _ in range(config.num_layers))
        experts = parts("experts")
        self.experts = None if experts is None else ResidualExperts(experts, config.dim)
        self.experts_after = config.experts_after or 0
        self.dropout = Dropout(config.dropout)
        self.drops_blocks = config.dropout_after == "block"

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
        refuse_documents(segments_BU, what="a convolution")
        mask = memory_mask(memory_BSD, memory_lengths_B)
        x_BUD = self.embedding(ids_BU)
        looked_BUD = self.looks[0](x_BUD, memory_BSD, mask=mask)
        x_BUD = self.merge(torch.cat([looked_BUD, x_BUD], dim=-1))
        for block in self.mixer:
            x_BUD = self._dropped(block(x_BUD))
        real_BU = None if self.experts is None else ids_BU != PAD
        for number, (block, look) in enumerate(zip(self.blocks, self.looks[1:], strict=True), start=1):
            x_BUD = block(x_BUD)
            x_BUD = self._dropped(x_BUD + look(x_BUD, memory_BSD, mask=mask), number)
            if self.experts is not None and number == self.experts_after:
                x_BUD = self.experts(x_BUD, real_BU, auxiliary)
        return x_BUD

    def start(
        self, memory_BSD: Tensor | None, memory_lengths_B: Tensor | None, *, examples: int
    ) -> MultimodelState:
        """Nothing read yet; the memory's keys and values are worked out once."""
        blocks = (block.start(examples) for block in (*self.mixer, *self.blocks))
        looks = tuple(look.start(memory_BSD, examples=examples) for look in self.looks)
        windows = ((self.merge.start(examples),), *blocks)
        return ConvolutionState(0, windows, looks, memory_mask(memory_BSD, memory_lengths_B))

    def step(
        self, ids_N: Tensor, state: MultimodelState, *, look: bool = False
    ) -> tuple[Tensor, MultimodelState]:
        """One more id a hypothesis; gives its hidden state ``[N, D]``."""
        x_ND = self.embedding(ids_N)
        seen = self.looks[0].step(x_ND, state.looks[0], mask=state.memory_mask, position=state.position)
        x_ND, window = self.merge.step(torch.cat([seen.given, x_ND], dim=-1), state.windows[0][0])
        windows: list[tuple[Tensor, ...]] = [(window,)]
        looks = [seen.cache]
        first = 1 + len(self.mixer)
        for block, before in zip(self.mixer, state.windows[1:first], strict=True):
            x_ND, kept = block.step(x_ND, before)
            x_ND = self._dropped(x_ND)
            windows.append(kept)
        for number, block in enumerate(self.blocks, start=1):
            x_ND, kept = block.step(x_ND, state.windows[first + number - 1])
            seen = self.looks[number].step(
                x_ND, state.looks[number], look=look, mask=state.memory_mask, position=state.position
            )
            x_ND = self._dropped(x_ND + seen.given, number)
            if self.experts is not None and number == self.experts_after:
                x_ND = self.experts.step(x_ND)
            windows.append(kept)
            looks.append(seen.cache)
        return x_ND, replace(
            state,
            position=state.position + 1,
            windows=tuple(windows),
            looks=tuple(looks),
            attention=seen.attention if look else None,
        )

    def _dropped(self, x: Tensor, number: int | None = None) -> Tensor:
        """Dropout after a block; ``number``: of a layer that may end a run of blocks."""
        ends = number is not None and number in (self.experts_after, len(self.blocks))
        given: Tensor = self.dropout(x) if self.drops_blocks or ends else x
        return given


def _looks(config: MultimodelConfig, memory: Type | None) -> list[TargetAttention]:
    assert config.dim is not None
    simple = config.attention == "simple"
    sizes = [
        Separable(kernel, dilation, groups)
        for (kernel, dilation), groups in zip(LOOK, config.groups, strict=False)
    ]
    heads, dropout = (0, 0.0) if simple else (config.num_heads, config.attention_dropout)
    memory_dim = memory.dim if isinstance(memory, States) else None
    return [
        TargetAttention(config.dim, sizes, num_heads=heads, dropout=dropout, memory_dim=memory_dim)
        for _ in range(config.num_layers + 1)
    ]


def _block(config: MultimodelConfig) -> ConvolutionBlock:
    assert config.dim is not None
    add_first = config.residual == "input_and_first"
    return ConvolutionBlock(config.dim, sizes_of(config), causal=True, add_first=add_first)
