"""ByteNet's decoder: dilated convolutions that see what was written, unrolled along the encoder's states."""

# B examples, N hypotheses (B times the beam), U target time, S memory time, D width, C memory width

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from seqspec.components._layers.dilated import DilatedBlock, DilatedStack
from seqspec.components._layers.masks import length_mask
from seqspec.components.decoder._packed_documents import refuse_documents
from seqspec.schema.decoder.bytenet import BytenetConfig
from seqspec.schema.types import States, Type


@dataclass(frozen=True)
class BytenetState:
    """Where a search stands: the last inputs of every convolution."""

    position: int
    before: tuple[Tensor, ...]
    memory_BSC: Tensor | None
    attention: None = None

    def select(self, rows_N: Tensor) -> BytenetState:
        """The hypotheses in ``rows_N``; those of one example stay together and in order of examples."""
        return replace(self, before=tuple(kept[rows_N] for kept in self.before))

    def keep(self, examples_B: Tensor) -> BytenetState:
        """Forgets the memories of other examples; ``select`` their hypotheses beforehand."""
        return self if self.memory_BSC is None else replace(self, memory_BSC=self.memory_BSC[examples_B])


class Bytenet(nn.Module):
    """Teacher forcing through ``forward``, search through ``start`` and ``step``."""

    def __init__(self, config: BytenetConfig, takes: Mapping[str, Type], parts: Callable[[str], Any]) -> None:
        super().__init__()
        assert config.dim is not None
        memory = takes.get("memory")
        context = memory.dim if isinstance(memory, States) else 0
        self.embedding = parts("embedding")
        self.merge = None
        if context:
            self.merge = DilatedBlock(
                config.dim + context, config.dim, kernel=config.kernel, dilation=1, causal=True
            )
        self.stack = DilatedStack(
            config.dim,
            num_blocks=config.num_blocks,
            dilations=config.dilations,
            kernel=config.kernel,
            dropout=config.dropout,
            causal=True,
        )

    def forward(
        self,
        ids_BU: Tensor,
        memory_BSC: Tensor | None = None,
        memory_lengths_B: Tensor | None = None,
        segments_BU: Tensor | None = None,
    ) -> Tensor:
        """Hidden states ``[B, U, D]``; state u has read ids up to u, and the memory up to place u."""
        refuse_documents(segments_BU, what="a convolution")
        x_BUD = self.embedding(ids_BU)
        if self.merge is not None:
            memory = _real(memory_BSC, memory_lengths_B)
            size = x_BUD.shape[1]
            beside = functional.pad(memory, (0, 0, 0, max(0, size - memory.shape[1])))[:, :size]
            x_BUD = self.merge(torch.cat([x_BUD, beside], dim=-1))
        hidden: Tensor = self.stack(x_BUD)
        return hidden

    def start(
        self, memory_BSC: Tensor | None, memory_lengths_B: Tensor | None, *, examples: int
    ) -> BytenetState:
        """Nothing read yet."""
        before = self.stack.start(examples)
        if self.merge is None:
            return BytenetState(0, tuple(before), None)
        return BytenetState(0, (self.merge.start(examples), *before), _real(memory_BSC, memory_lengths_B))

    def step(self, ids_N: Tensor, state: BytenetState, *, look: bool = False) -> tuple[Tensor, BytenetState]:
        """One more id a hypothesis; gives its hidden state."""
        x_ND, before = self.embedding(ids_N), list(state.before)
        merged: list[Tensor] = []
        if self.merge is not None and state.memory_BSC is not None:
            beside = self._beside(state.memory_BSC, state.position, len(ids_N))
            x_ND, kept = self.merge.step(torch.cat([x_ND, beside], dim=-1), before.pop(0))
            merged = [kept]
        hidden, after = self.stack.step(x_ND, before)
        return hidden, replace(state, position=state.position + 1, before=(*merged, *after))

    def _beside(self, memory_BSC: Tensor, position: int, size: int) -> Tensor:
        examples, longest, width = memory_BSC.shape
        here = memory_BSC[:, position] if position < longest else memory_BSC.new_zeros(examples, width)
        return here.repeat_interleave(size // examples, dim=0)


def _real(memory_BSC: Tensor | None, lengths_B: Tensor | None) -> Tensor:
    assert memory_BSC is not None
    assert lengths_B is not None
    return memory_BSC * length_mask(lengths_B, memory_BSC.shape[1])[..., None]
