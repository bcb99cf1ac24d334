"""A stack of LSTM or GRU layers that writes the target.

With attention, the first layer runs step by step, since each step's answer feeds the next; the layers above
need only what is then known and run over the whole target at once.
"""

# B examples, N hypotheses (B times the beam), U target time, S memory time, D output width, C memory width, E
# embedding width

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from seqspec.components._layers.dropout import Dropout
from seqspec.components._layers.lstm import CellState
from seqspec.components._layers.masks import length_mask
from seqspec.components._layers.module_list import ModuleList
from seqspec.components._layers.recurrent import recurrent
from seqspec.components.attention._memory import Memory
from seqspec.components.decoder._packed_documents import refuse_documents
from seqspec.components.graphs import Axes, TensorState
from seqspec.components.lane_state import Carried
from seqspec.schema.config import stated_width
from seqspec.schema.decoder.recurrent import RecurrentConfig
from seqspec.schema.types import States, Type

MEMORY = ("memory_keys", "memory_values", "memory_mask")
"""What the parts of a memory are called where another runtime keeps them."""


@dataclass(frozen=True)
class RecurrentState:
    """Where a search stands."""

    cells: tuple[CellState, ...]
    context_NC: Tensor | None
    memory: Memory | None
    attention: Tensor | None = None
    """``[N, S]``: where the last step looked."""

    def select(self, rows_N: Tensor) -> RecurrentState:
        """The hypotheses in ``rows_N``; those of one example stay together and in order of examples."""
        cells = tuple(CellState(cell.hidden[rows_N], cell.cell[rows_N]) for cell in self.cells)
        context = None if self.context_NC is None else self.context_NC[rows_N]
        return replace(self, cells=cells, context_NC=context, attention=None)

    def keep(self, examples_B: Tensor) -> RecurrentState:
        """Forgets the memories of other examples; ``select`` their hypotheses beforehand."""
        return self if self.memory is None else replace(self, memory=self.memory.keep(examples_B))

    def tensors(self) -> TensorState:
        """The same as named tensors."""
        moving: dict[str, Tensor] = {}
        fixed: dict[str, Tensor] = {}
        axes: dict[str, Axes] = {}
        for number, cell in enumerate(self.cells):
            moving |= {f"hidden_{number}": cell.hidden, f"cell_{number}": cell.cell}
        if self.memory is not None:
            assert self.context_NC is not None
            moving["context"] = self.context_NC
            fixed = dict(zip(MEMORY, self.memory, strict=True))
            axes = dict.fromkeys(MEMORY, ("batch", None, "memory", None)) | {MEMORY[2]: ("batch", "memory")}
        return TensorState(fixed, moving, {**axes, **dict.fromkeys(moving, ("batch", None))})

    def restored(self, tensors: Mapping[str, Tensor]) -> RecurrentState:
        """A state of as many layers from named tensors."""
        cells = tuple(
            CellState(tensors[f"hidden_{number}"], tensors[f"cell_{number}"])
            for number in range(len(self.cells))
        )
        if self.memory is None:
            return RecurrentState(cells, None, None)
        memory = Memory(*(tensors[name] for name in MEMORY))
        return RecurrentState(cells, tensors["context"], memory)


class Recurrent(nn.Module):
    """Teacher forcing through ``forward``, search through ``start`` and ``step``; gives ``[state; context]``
    with attention.
    """

    def __init__(
        self, config: RecurrentConfig, takes: Mapping[str, Type], parts: Callable[[str], Any]
    ) -> None:
        super().__init__()
        memory = takes.get("memory")
        context_dim = memory.dim if isinstance(memory, States) else 0
        self.embedding = parts("embedding")
        self.attention = parts("attention")
        embedding_dim = stated_width(config.embedding)
        widths = [embedding_dim + context_dim] + [config.output_dim + context_dim] * (config.num_layers - 1)
        self.layers = ModuleList(
            recurrent(
                config.cell,
                width,
                config.dim,
                projected_dim=config.projected_dim,
                forget_bias=config.forget_bias,
                init_range=config.init_range,
            )
            for width in widths
        )
        self.residual_from = config.residual_from or config.num_layers + 1
        if self.residual_from == 1 and embedding_dim != config.output_dim:
            raise ValueError(
                f"an embedding of {embedding_dim} cannot be added to an output of {config.output_dim}"
            )
        self.carried = Carried() if self.attention is None else None
        self.dropout = Dropout(config.dropout)
        self.output_dropout = Dropout(config.output_dropout)

    def forward(
        self,
        ids_BU: Tensor,
        memory_BSC: Tensor | None = None,
        memory_lengths_B: Tensor | None = None,
        segments_BU: Tensor | None = None,
    ) -> Tensor:
        """``[B, U, D]``, or ``[B, U, D + C]`` with attention; position u has read ids up to u."""
        refuse_documents(segments_BU, what="a recurrent decoder")
        x_BUE = self.embedding(ids_BU)
        lengths_B = torch.full((len(ids_BU),), ids_BU.shape[1], device=ids_BU.device)
        if self.carried is not None and (self.carried.past or self.carried.keeps):
            return self._go_on(x_BUE, self.carried)
        if self.attention is None:
            x_BUD = self._add(1, x_BUE, self.layers[0](self.dropout(x_BUE), lengths_B))
            context = x_BUD[..., :0]
        else:
            hidden, context, _ = self._unroll(x_BUE, self._memory(memory_BSC, memory_lengths_B))
            x_BUD = self._add(1, x_BUE, hidden)
        for number, layer in enumerate(list(self.layers)[1:], start=2):
            y_BUD = layer(self.dropout(torch.cat([x_BUD, context], dim=-1)), lengths_B)
            x_BUD = self._add(number, x_BUD, y_BUD)
        return torch.cat([self.output_dropout(x_BUD), context], dim=-1)

    def _go_on(self, x_BUD: Tensor, carried: Carried) -> Tensor:
        """From the states after the row before, without gradient into them."""
        kept: dict[str, Tensor] = {}
        for number, layer in enumerate(self.layers, start=1):
            names = (f"hidden_{number}", f"cell_{number}")
            state = layer.start(len(x_BUD))
            if carried.past:
                state = CellState(*(carried.past[name] for name in names))
            y_BUD, state = layer.run(self.dropout(x_BUD), state)
            x_BUD = self._add(number, x_BUD, y_BUD)
            kept |= {name: part.detach() for name, part in zip(names, state, strict=True)}
        if carried.keeps:
            carried.kept = kept
        return self.output_dropout(x_BUD)

    def _add(self, number: int, x: Tensor, y: Tensor) -> Tensor:
        return x + y if number >= self.residual_from else y

    def _memory(self, memory_BSC: Tensor | None, lengths_B: Tensor | None) -> Memory:
        assert memory_BSC is not None
        assert lengths_B is not None
        kept: Memory = self.attention.remember(
            memory_BSC, length_mask(lengths_B.clamp(min=1), memory_BSC.shape[1])
        )
        return kept

    def _unroll(self, x_BUE: Tensor, memory: Memory) -> tuple[Tensor, Tensor, Tensor]:
        """Outputs of the first layer, contexts and attention, step by step."""
        first = self.layers[0]
        state, context_BC = first.start(len(x_BUE)), self._no_context(memory, len(x_BUE))
        steps = []
        for x_BE in self.dropout(x_BUE).unbind(1):
            state = first.step(torch.cat([x_BE, context_BC], dim=-1), state)
            context_BC, looked_BS = self.attention(state.hidden, memory)
            steps.append((state.hidden, context_BC, looked_BS))
        hidden, context, looked = (torch.stack(column, dim=1) for column in zip(*steps, strict=True))
        return hidden, context, looked

    def _no_context(self, memory: Memory, size: int) -> Tensor:
        heads, width = memory.values.shape[1], memory.values.shape[3]
        return memory.values.new_zeros(size, heads * width)

    def start(
        self, memory_BSC: Tensor | None, memory_lengths_B: Tensor | None, *, examples: int
    ) -> RecurrentState:
        """Nothing read yet."""
        cells = tuple(layer.start(examples) for layer in self.layers)
        if self.attention is None:
            return RecurrentState(cells, None, None)
        memory = self._memory(memory_BSC, memory_lengths_B)
        return RecurrentState(cells, self._no_context(memory, examples), memory)

    def step(
        self, ids_N: Tensor, state: RecurrentState, *, look: bool = False
    ) -> tuple[Tensor, RecurrentState]:
        """One more id a hypothesis; gives what the head reads."""
        x_ND, context, looked = self.embedding(ids_N), state.context_NC, None
        cells = []
        for number, (layer, cell) in enumerate(zip(self.layers, state.cells, strict=True), start=1):
            given = x_ND if context is None else torch.cat([x_ND, context], dim=-1)
            cell = layer.step(self.dropout(given), cell)
            if number == 1 and self.attention is not None:
                context, looked = self.attention(cell.hidden, state.memory)
            x_ND = self._add(number, x_ND, cell.hidden)
            cells.append(cell)
        x_ND = self.output_dropout(x_ND)
        hidden = x_ND if context is None else torch.cat([x_ND, context], dim=-1)
        return hidden, replace(
            state, cells=tuple(cells), context_NC=context, attention=looked if look else None
        )
