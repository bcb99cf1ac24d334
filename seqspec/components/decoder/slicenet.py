"""SliceNet's decoder: depthwise-separable convolutions that see what was written, and attention.

Differs from Tensor2Tensor's in that attention leaves the source's padding out.
"""

# B examples, N hypotheses (B times the beam), U target time, S memory time, D width

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from seqspec.components._layers.attention_weights import AttentionModule, AttentionModuleCache
from seqspec.components._layers.convolution_state import ConvolutionState
from seqspec.components._layers.dropout import Dropout
from seqspec.components._layers.module_list import ModuleList
from seqspec.components._layers.separable import Separable, SeparableLayer, glorot
from seqspec.components._layers.transformer_step import memory_mask
from seqspec.components.decoder._packed_documents import refuse_documents
from seqspec.schema.decoder.slicenet import LOOK, MERGE, MERGE_KERNEL, SlicenetConfig
from seqspec.schema.types import States, Type

SlicenetState = ConvolutionState[AttentionModuleCache]


class Slicenet(nn.Module):
    """Teacher forcing through ``forward``, search through ``start`` and ``step``."""

    def __init__(
        self, config: SlicenetConfig, takes: Mapping[str, Type], parts: Callable[[str], Any]
    ) -> None:
        super().__init__()
        assert config.dim is not None
        memory = takes.get("memory")
        self.embedding = parts("embedding")
        sizes = [
            Separable(*size) for size in zip(config.kernels, config.dilations, config.groups, strict=True)
        ]
        before = [
            Separable(kernel, dilation, groups)
            for (kernel, dilation), groups in zip(LOOK, config.groups, strict=False)
        ]
        self.looks = ModuleList(
            AttentionModule(
                config.dim,
                before,
                num_heads=config.num_heads,
                dropout=config.attention_dropout,
                memory_dim=memory.dim if isinstance(memory, States) else None,
            )
            for _ in range(config.num_layers + 1)
        )
        self.merge = _Merge(config.dim)
        self.layers = ModuleList(
            SeparableLayer(config.dim, sizes, causal=True) for _ in range(config.num_layers)
        )
        self.dropout = Dropout(config.dropout)

    def forward(
        self,
        ids_BU: Tensor,
        memory_BSD: Tensor | None = None,
        memory_lengths_B: Tensor | None = None,
        segments_BU: Tensor | None = None,
    ) -> Tensor:
        """Hidden states ``[B, U, D]``; state u has read ids up to u."""
        refuse_documents(segments_BU, what="a convolution")
        mask = memory_mask(memory_BSD, memory_lengths_B)
        x_BUD = self.embedding(ids_BU)
        looked_BUD = self.looks[0](x_BUD, memory_BSD, mask=mask)
        x_BUD = self.merge(torch.cat([looked_BUD, x_BUD], dim=-1))
        for layer, look in zip(self.layers, self.looks[1:], strict=True):
            x_BUD = layer(x_BUD)
            x_BUD = x_BUD + look(x_BUD, memory_BSD, mask=mask)
        return self.dropout(x_BUD)

    def start(
        self, memory_BSD: Tensor | None, memory_lengths_B: Tensor | None, *, examples: int
    ) -> SlicenetState:
        """Nothing read yet; the memory's keys and values are worked out once."""
        windows = ((self.merge.start(examples),), *(layer.start(examples) for layer in self.layers))
        looks = tuple(look.start(memory_BSD, examples=examples) for look in self.looks)
        return ConvolutionState(0, windows, looks, memory_mask(memory_BSD, memory_lengths_B))

    def step(
        self, ids_N: Tensor, state: SlicenetState, *, look: bool = False
    ) -> tuple[Tensor, SlicenetState]:
        """One more id a hypothesis; gives its hidden state ``[N, D]``."""
        x_ND = self.embedding(ids_N)
        seen = self.looks[0].step(x_ND, state.looks[0], mask=state.memory_mask, position=state.position)
        x_ND, window = self.merge.step(torch.cat([seen.given, x_ND], dim=-1), state.windows[0][0])
        windows: list[tuple[Tensor, ...]] = [(window,)]
        looks = [seen.cache]
        for layer, block, before, cache in zip(
            self.layers, self.looks[1:], state.windows[1:], state.looks[1:], strict=True
        ):
            x_ND, kept = layer.step(x_ND, before)
            seen = block.step(x_ND, cache, look=look, mask=state.memory_mask, position=state.position)
            x_ND = x_ND + seen.given
            windows.append(kept)
            looks.append(seen.cache)
        state = replace(
            state,
            position=state.position + 1,
            windows=tuple(windows),
            looks=tuple(looks),
            attention=seen.attention if look else None,
        )
        return self.dropout(x_ND), state


class _Merge(nn.Module):
    """ReLU, a convolution in groups of twice the width, a mixture of all features, layer normalisation."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.convolution = nn.Conv1d(2 * dim, dim, MERGE_KERNEL, groups=MERGE, bias=False)
        self.mix = nn.Conv1d(dim, dim, 1)
        self.norm = nn.LayerNorm(dim, eps=1e-6)
        glorot(self.convolution)
        glorot(self.mix)
        assert self.mix.bias is not None
        nn.init.zeros_(self.mix.bias)

    def forward(self, x_BTD: Tensor) -> Tensor:
        return self._merge(functional.pad(torch.relu(x_BTD).transpose(1, 2), (MERGE_KERNEL - 1, 0)))

    def start(self, size: int) -> Tensor:
        """The inputs before the first, zeros."""
        weight = self.convolution.weight
        return weight.new_zeros(size, MERGE_KERNEL - 1, 2 * len(weight))

    def step(self, x_ND: Tensor, before_NKD: Tensor) -> tuple[Tensor, Tensor]:
        """One more input; gives its output and the inputs that the next step needs."""
        window_NKD = torch.cat([before_NKD, torch.relu(x_ND)[:, None]], dim=1)
        return self._merge(window_NKD.transpose(1, 2)).squeeze(1), window_NKD[:, 1:]

    def _merge(self, x_BDT: Tensor) -> Tensor:
        given: Tensor = self.norm(self.mix(self.convolution(x_BDT)).transpose(1, 2))
        return given
