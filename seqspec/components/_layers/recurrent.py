"""Recurrent layers with cells of several kinds behind one surface; plain LSTMs run in ``_layers/lstm.py``.

Layer normalisation: Ba et al. (2016), "Layer Normalization", arXiv:1607.06450, with one scale a gate unit,
and biases after it, as in Lingvo.  Projection: Sak et al. (2014), "Long Short-Term Memory Based Recurrent
Neural Network Architectures for Large Vocabulary Speech Recognition", arXiv:1402.1128.  GRU: Cho et al.
(2014), arXiv:1406.1078, with the reset gate after the product.
"""

# B batch, T time, I input width, H state width, P output width, G gates (4 H, or 3 H)

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from seqspec.components._layers.exported_recurrence import exported_recurrence
from seqspec.components._layers.lstm import CellState, Lstm, advance
from seqspec.components._layers.masks import length_mask

Kind = Literal["lstm", "layer_norm_lstm", "gru"]


def recurrent(
    kind: Kind,
    input_dim: int,
    dim: int,
    *,
    bidirectional: bool = False,
    projected_dim: int | None = None,
    forget_bias: float = 0.0,
    init_range: float | None = None,
) -> Lstm | Recurrent:
    """One layer: ``forward(x_BTI, lengths_B)`` for all steps, ``start(size)`` and ``step(x_BI, state)`` for
    one, ``run(x_BTI, state)`` for some more.
    """
    if kind == "lstm" and projected_dim is None:
        return Lstm(
            input_dim, dim, bidirectional=bidirectional, forget_bias=forget_bias, init_range=init_range
        )

    def cell() -> LstmCell | GruCell:
        if kind == "gru":
            return GruCell(input_dim, dim, init_range=init_range)
        norm = kind == "layer_norm_lstm"
        return LstmCell(
            input_dim,
            dim,
            norm=norm,
            projected_dim=projected_dim,
            forget_bias=forget_bias,
            init_range=init_range,
        )

    return Recurrent([cell() for _ in range(2 if bidirectional else 1)])


class Recurrent(nn.Module):
    """One layer of one or two directions, step after step."""

    def __init__(self, cells: list[LstmCell] | list[GruCell] | list[LstmCell | GruCell]) -> None:
        super().__init__()
        self.cells = nn.ModuleList(cells)

    def forward(self, x_BTI: Tensor, lengths_B: Tensor) -> Tensor:
        """``[B, T, P]`` a direction, side by side, zero beyond each length; the second starts at each end."""
        outputs = [self._run(0, x_BTI)]
        if len(self.cells) == 2:
            order_BT = reversal(lengths_B, x_BTI.shape[1])
            outputs.append(reorder(self._run(1, reorder(x_BTI, order_BT)), order_BT))
        return torch.cat(outputs, dim=-1) * length_mask(lengths_B, x_BTI.shape[1])[..., None]

    def _run(self, direction: int, x_BTI: Tensor) -> Tensor:
        cell = self.cells[direction]
        assert isinstance(cell, LstmCell | GruCell)
        if torch.compiler.is_exporting():
            return exported_recurrence(cell.advance, cell.start(x_BTI.shape[0]), cell.read(x_BTI))
        state, outputs = cell.start(len(x_BTI)), []
        for gates_BG in cell.read(x_BTI).unbind(1):
            state = cell.advance(gates_BG, state)
            outputs.append(state.hidden)
        return torch.stack(outputs, dim=1)

    def run(self, x_BTI: Tensor, state: CellState) -> tuple[Tensor, CellState]:
        """Further steps of a layer with one direction: ``[B, T, P]`` and the state after them."""
        cell = self.cells[0]
        assert isinstance(cell, LstmCell | GruCell)
        outputs = [state.hidden[:, None, :][:, :0]]
        for gates_BG in cell.read(x_BTI).unbind(1):
            state = cell.advance(gates_BG, state)
            outputs.append(state.hidden[:, None])
        return torch.cat(outputs, dim=1), state

    def step(self, x_BI: Tensor, state: CellState) -> CellState:
        """One step of a layer with one direction."""
        cell = self.cells[0]
        assert isinstance(cell, LstmCell | GruCell)
        return cell.advance(cell.read(x_BI), state)

    def start(self, size: int) -> CellState:
        """Zeros for ``size`` sequences."""
        cell = self.cells[0]
        assert isinstance(cell, LstmCell | GruCell)
        return cell.start(size)


class LstmCell(nn.Module):
    """An LSTM cell with layer normalisation of its gates, or with a projection of its output, or both."""

    def __init__(
        self,
        input_dim: int,
        dim: int,
        *,
        norm: bool,
        projected_dim: int | None,
        forget_bias: float,
        init_range: float | None,
    ) -> None:
        super().__init__()
        self.dim = dim
        self.output_dim = projected_dim or dim
        self.input_weight_GI = _matrix(4 * dim, input_dim, gates=4, init_range=init_range)
        self.state_weight_GP = _matrix(4 * dim, self.output_dim, gates=4, init_range=init_range)
        self.bias_G = nn.Parameter(_gate_bias(dim, forget_bias))
        self.scale_G = nn.Parameter(torch.ones(4 * dim)) if norm else None
        self.project_PH = (
            None if projected_dim is None else _matrix(projected_dim, dim, gates=1, init_range=init_range)
        )

    def read(self, x: Tensor) -> Tensor:
        """What inputs ``[..., I]`` add to the gates, before any normalisation."""
        return functional.linear(x, self.input_weight_GI)

    def advance(self, gates_BG: Tensor, state: CellState) -> CellState:
        gates = gates_BG + functional.linear(state.hidden, self.state_weight_GP)
        if self.scale_G is not None:
            normal = functional.layer_norm(gates.unflatten(-1, (4, self.dim)), (self.dim,))
            gates = normal.flatten(-2) * self.scale_G
        hidden, cell = advance(gates + self.bias_G, state.cell, cell_cap=None)
        if self.project_PH is not None:
            hidden = functional.linear(hidden, self.project_PH)
        return CellState(hidden, cell)

    def start(self, size: int) -> CellState:
        return CellState(self.bias_G.new_zeros(size, self.output_dim), self.bias_G.new_zeros(size, self.dim))


class GruCell(nn.Module):
    """A gated recurrent unit; gates in the order reset, update, new, as in torch."""

    def __init__(self, input_dim: int, dim: int, *, init_range: float | None) -> None:
        super().__init__()
        self.dim = dim
        self.output_dim = dim
        self.input_weight_GI = _matrix(3 * dim, input_dim, gates=3, init_range=init_range)
        self.state_weight_GH = _matrix(3 * dim, dim, gates=3, init_range=init_range)
        self.input_bias_G = nn.Parameter(torch.zeros(3 * dim))
        self.new_bias_H = nn.Parameter(torch.zeros(dim))

    def read(self, x: Tensor) -> Tensor:
        """What inputs ``[..., I]`` add to the gates."""
        return functional.linear(x, self.input_weight_GI, self.input_bias_G)

    def advance(self, gates_BG: Tensor, state: CellState) -> CellState:
        reset, update, new = gates_BG.chunk(3, dim=-1)
        by_reset, by_update, by_new = functional.linear(state.hidden, self.state_weight_GH).chunk(3, dim=-1)
        kept = (update + by_update).sigmoid()
        fresh = (new + (reset + by_reset).sigmoid() * (by_new + self.new_bias_H)).tanh()
        hidden = fresh + kept * (state.hidden - fresh)
        return CellState(hidden, hidden)

    def start(self, size: int) -> CellState:
        zeros = self.new_bias_H.new_zeros(size, self.dim)
        return CellState(zeros, zeros)


def _matrix(rows: int, columns: int, *, gates: int, init_range: float | None) -> nn.Parameter:
    """Uniform over ± ``init_range``, or Glorot's for each gate by itself."""
    weight = torch.empty(rows, columns)
    if init_range is not None:
        return nn.Parameter(weight.uniform_(-init_range, init_range))
    for gate in weight.chunk(gates):
        nn.init.xavier_uniform_(gate)
    return nn.Parameter(weight)


def _gate_bias(dim: int, forget_bias: float) -> Tensor:
    bias = torch.zeros(4 * dim)
    bias[dim : 2 * dim] = forget_bias
    return bias


def reversal(lengths_B: Tensor, size: int) -> Tensor:
    """``[B, size]``: places that turn each sequence round and leave padding where it is; its own inverse."""
    place_T = torch.arange(size, device=lengths_B.device)
    turned = lengths_B[:, None] - 1 - place_T
    return torch.where(turned >= 0, turned, place_T)


def reorder(x_BTH: Tensor, order_BT: Tensor) -> Tensor:
    """``x_BTH`` with its steps taken in the given order."""
    return x_BTH.gather(1, order_BT[..., None].expand_as(x_BTH))
