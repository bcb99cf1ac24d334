"""LSTM decoder with additive attention.

The first layer runs step by step, since each step's attention feeds the next; the layers above need only what
is then known and run over all of a target at once.
"""

# B examples, N hypotheses (B times the beam), U target time, S memory time
# C memory width, H state width, E embedding width, G gates (4 H)

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from seqspec.components._layers.additive_attention import AdditiveAttention, Memory
from seqspec.components._layers.dropout import Dropout
from seqspec.components._layers.linear import affine
from seqspec.components._layers.lstm import CellState, Lstm, advance
from seqspec.components._layers.masks import length_mask
from seqspec.components._layers.module_list import ModuleList
from seqspec.components.graphs import Axes, TensorState
from seqspec.schema.config import stated_width
from seqspec.schema.decoder.additive_lstm import AdditiveLstmConfig
from seqspec.schema.types import States, Type


@dataclass(frozen=True)
class AdditiveLstmState:
    """Where a search stands."""

    cells: tuple[CellState, ...]
    context_NC: Tensor
    before_NS: Tensor
    """Where the last step looked."""
    memory: Memory
    attention: Tensor | None = None
    """``[N, S]``: where the last step looked, where it was asked for."""

    def select(self, rows_N: Tensor) -> AdditiveLstmState:
        """The hypotheses in ``rows_N``; those of one example stay together and in order of examples."""
        cells = tuple(CellState(cell.hidden[rows_N], cell.cell[rows_N]) for cell in self.cells)
        context, before = self.context_NC[rows_N], self.before_NS[rows_N]
        return replace(self, cells=cells, context_NC=context, before_NS=before, attention=None)

    def keep(self, examples_B: Tensor) -> AdditiveLstmState:
        """Forgets the memories of other examples; ``select`` their hypotheses beforehand."""
        return replace(self, memory=self.memory.keep(examples_B))

    def tensors(self) -> TensorState:
        """The same as named tensors."""
        keys, values, mask = self.memory
        fixed = {"memory_keys": keys, "memory_values": values, "memory_mask": mask}
        moving = {"context": self.context_NC, "before": self.before_NS}
        for number, cell in enumerate(self.cells):
            moving |= {f"hidden_{number}": cell.hidden, f"cell_{number}": cell.cell}
        wide: Axes = ("batch", "memory", None)
        axes: dict[str, Axes] = {name: ("batch", None) for name in moving} | {
            "memory_keys": wide,
            "memory_values": wide,
        }
        axes |= {"memory_mask": ("batch", "memory"), "before": ("batch", "memory")}
        return TensorState(fixed, moving, axes)

    def restored(self, tensors: Mapping[str, Tensor]) -> AdditiveLstmState:
        """A state of as many layers from named tensors."""
        cells = tuple(
            CellState(tensors[f"hidden_{number}"], tensors[f"cell_{number}"])
            for number in range(len(self.cells))
        )
        memory = Memory(tensors["memory_keys"], tensors["memory_values"], tensors["memory_mask"])
        return AdditiveLstmState(cells, tensors["context"], tensors["before"], memory)


class AdditiveLstm(nn.Module):
    """Teacher forcing through ``forward``, search through ``start`` and ``step``; gives ``[state;
    context]``.
    """

    def __init__(
        self, config: AdditiveLstmConfig, takes: Mapping[str, Type], parts: Callable[[str], Any]
    ) -> None:
        super().__init__()
        memory = takes["memory"]
        assert isinstance(memory, States)
        self.embedding: nn.Module = parts("embedding")
        self.embedding_dim = stated_width(config.embedding)
        self.dropout = Dropout(config.dropout or 0.0)
        widths = [self.embedding_dim + memory.dim] + [config.dim + memory.dim] * (config.num_layers - 1)
        self.layers = ModuleList(_layer(config, width) for width in widths)
        self.attention = AdditiveAttention(
            config.dim,
            memory.dim,
            dim=config.attention_dim,
            location_filters=config.location_filters,
            location_width=config.location_width or 1,
        )

    def forward(
        self,
        ids_BU: Tensor,
        memory_BSD: Tensor,
        memory_lengths_B: Tensor,
        segments_BU: Tensor | None = None,
    ) -> Tensor:
        """``[B, U, H + C]``; position u has read ids up to u."""
        assert segments_BU is None, "packed documents have no source to attend to"
        hidden_BUH, context_BUC, _ = self._unroll(ids_BU, memory_BSD, memory_lengths_B)
        lengths_B = torch.full_like(memory_lengths_B, ids_BU.shape[1])
        for layer in list(self.layers)[1:]:
            hidden_BUH = layer(torch.cat([hidden_BUH, context_BUC], dim=-1), lengths_B)
        given: Tensor = self.dropout(torch.cat([hidden_BUH, context_BUC], dim=-1))
        return given

    def weights(self, ids_BU: Tensor, memory_BSD: Tensor, memory_lengths_B: Tensor) -> Tensor:
        """``[B, U, S]``: where each step looks."""
        return self._unroll(ids_BU, memory_BSD, memory_lengths_B)[2]

    def _unroll(self, ids_BU: Tensor, memory_BSD: Tensor, lengths_B: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Outputs of the first layer, contexts and attention, step by step."""
        first = self._first
        memory = self.attention.remember(memory_BSD, _mask(memory_BSD, lengths_B))
        for_ids = first.input_weight_DGI[0, :, : self.embedding_dim]
        for_context = first.input_weight_DGI[0, :, self.embedding_dim :]
        gates_BUG = affine(self.dropout(self.embedding(ids_BU)), for_ids, first.bias_DG[0])
        for_both = torch.cat([for_context, first.state_weight_DGH[0]], dim=1)
        state, context_BC = first.start(len(ids_BU)), memory_BSD.new_zeros(len(ids_BU), memory_BSD.shape[-1])
        before_BS = memory_BSD.new_zeros(memory_BSD.shape[:2])
        hidden, contexts, weights = [], [], []
        for gates_BG in gates_BUG.unbind(1):
            gates_BG = gates_BG + functional.linear(torch.cat([context_BC, state.hidden], dim=1), for_both)
            state = advance(gates_BG, state.cell, cell_cap=first.cell_cap)
            context_B1C, before_B1S = self.attention(state.hidden[:, None], memory, before_BS[:, None])
            context_BC, before_BS = context_B1C[:, 0], before_B1S[:, 0]
            hidden.append(state.hidden)
            contexts.append(context_BC)
            weights.append(before_BS)
        return torch.stack(hidden, dim=1), torch.stack(contexts, dim=1), torch.stack(weights, dim=1)

    @property
    def _first(self) -> Lstm:
        return self.layers[0]

    def start(self, memory_BSD: Tensor, memory_lengths_B: Tensor, *, examples: int) -> AdditiveLstmState:
        """Nothing read yet; ``examples`` is B."""
        memory = self.attention.remember(memory_BSD, _mask(memory_BSD, memory_lengths_B))
        cells = tuple(layer.start(examples) for layer in self.layers)
        context, before = (
            memory_BSD.new_zeros(examples, memory_BSD.shape[-1]),
            memory_BSD.new_zeros(memory_BSD.shape[:2]),
        )
        return AdditiveLstmState(cells, context, before, memory)

    def step(
        self, ids_N: Tensor, state: AdditiveLstmState, *, look: bool = False
    ) -> tuple[Tensor, AdditiveLstmState]:
        """One more id a hypothesis; gives ``[N, H + C]``.  ``look`` asks for ``attention`` in the state."""
        examples = state.memory.mask_BS.shape[0]
        x_NE = self.dropout(self.embedding(ids_N[:, None])[:, 0])
        cells = [self._first.step(torch.cat([x_NE, state.context_NC], dim=1), state.cells[0])]
        query, before = (x.view(examples, -1, x.shape[1]) for x in (cells[0].hidden, state.before_NS))
        context_NC, before_NS = (x.flatten(0, 1) for x in self.attention(query, state.memory, before))
        for layer, cell in zip(list(self.layers)[1:], state.cells[1:], strict=True):
            cells.append(layer.step(torch.cat([cells[-1].hidden, context_NC], dim=1), cell))
        hidden = self.dropout(torch.cat([cells[-1].hidden, context_NC], dim=1))
        return hidden, AdditiveLstmState(
            tuple(cells), context_NC, before_NS, state.memory, before_NS if look else None
        )


def _layer(config: AdditiveLstmConfig, inputs: int) -> Lstm:
    return Lstm(
        inputs,
        config.dim,
        cell_cap=config.cell_cap,
        forget_bias=config.forget_bias,
        init_range=config.init_range,
    )


def _mask(memory_BSD: Tensor, lengths_B: Tensor) -> Tensor:
    """The first state stays open so that an empty memory gives numbers."""
    return length_mask(lengths_B.clamp(min=1), memory_BSD.shape[1])
