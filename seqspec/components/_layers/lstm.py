"""Long short-term memory over batches of padded sequences, one or both directions at once.

Hochreiter & Schmidhuber (1997), "Long Short-Term Memory", Neural Computation 9(8).  One bias a gate, gates in
torch's order (input, forget, cell, output), and, where asked, the cell's value clipped as in Lingvo.

Time runs inside one autograd function: inputs of all steps are multiplied at once beforehand, both directions
go through one batched product a step, and the gradient of the recurrent weight is one product at the end
instead of one a step.  So clipping costs nothing extra, no packing is needed, and on a CPU it is faster than
``nn.LSTM``.
"""

# B batch, T time, D directions, I input width, H hidden width, G gates (4 H)

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from seqspec.components._layers.masks import length_mask


class CellState(NamedTuple):
    """Output and cell of one layer at one step: ``[B, H]`` each."""

    hidden: Tensor
    cell: Tensor


class Lstm(nn.Module):
    """One layer.  ``cell_cap`` clips the cell to [-cap, cap] at every step.

    ``init_range`` draws all weights uniformly from that range; left out, each gate is Glorot-uniform from the
    input and orthogonal from the state.
    """

    def __init__(
        self,
        input_dim: int,
        dim: int,
        *,
        bidirectional: bool = False,
        cell_cap: float | None = None,
        forget_bias: float = 0.0,
        init_range: float | None = None,
    ) -> None:
        super().__init__()
        directions = 2 if bidirectional else 1
        self.dim = dim
        self.cell_cap = cell_cap
        self.input_weight_DGI = nn.Parameter(torch.empty(directions, 4 * dim, input_dim))
        self.state_weight_DGH = nn.Parameter(torch.empty(directions, 4 * dim, dim))
        self.bias_DG = nn.Parameter(torch.zeros(directions, 4 * dim))
        self._reset(forget_bias, init_range)

    @torch.no_grad()
    def _reset(self, forget_bias: float, init_range: float | None) -> None:
        for matrix in (*self.input_weight_DGI, *self.state_weight_DGH):
            if init_range is not None:
                matrix.uniform_(-init_range, init_range)
                continue
            for gate in matrix.chunk(4):
                if gate.shape[0] == gate.shape[1] and matrix.shape[1] == self.dim:
                    nn.init.orthogonal_(gate)
                else:
                    nn.init.xavier_uniform_(gate)
        self.bias_DG[:, self.dim : 2 * self.dim] = forget_bias

    def forward(self, x_BTI: Tensor, lengths_B: Tensor) -> Tensor:
        """``[B, T, D · H]``, zero beyond each length; the second direction starts at each sequence's own
        end.
        """
        order_BT = reversal(lengths_B, x_BTI.shape[1]) if len(self.bias_DG) == 2 else None
        gates_TDBG = self._gates(x_BTI, order_BT)
        hidden_TDBH = recur(gates_TDBG, self.state_weight_DGH, cell_cap=self.cell_cap)
        return self._joined(hidden_TDBH, order_BT, lengths_B)

    def _gates(self, x_BTI: Tensor, order_BT: Tensor | None) -> Tensor:
        """What the inputs add to the gates of every step, the second direction in its own order of time."""
        gates = [
            nn.functional.linear(x_BTI, w, b)
            for w, b in zip(self.input_weight_DGI, self.bias_DG, strict=True)
        ]
        if order_BT is not None:
            gates[1] = reorder(gates[1], order_BT)
        return torch.stack([gate.transpose(0, 1) for gate in gates], dim=1)

    def _joined(self, hidden_TDBH: Tensor, order_BT: Tensor | None, lengths_B: Tensor) -> Tensor:
        outputs = list(hidden_TDBH.permute(1, 2, 0, 3))
        if order_BT is not None:
            outputs[1] = reorder(outputs[1], order_BT)
        mask_BT = length_mask(lengths_B, hidden_TDBH.shape[0])
        return torch.cat(outputs, dim=-1) * mask_BT[..., None]

    def step(self, x_BI: Tensor, state: CellState) -> CellState:
        """One step of a layer with one direction."""
        gates = nn.functional.linear(x_BI, self.input_weight_DGI[0], self.bias_DG[0])
        gates = gates + nn.functional.linear(state.hidden, self.state_weight_DGH[0])
        return advance(gates, state.cell, cell_cap=self.cell_cap)

    def start(self, size: int) -> CellState:
        """Zeros for ``size`` sequences."""
        zeros = self.bias_DG.new_zeros(size, self.dim)
        return CellState(zeros, zeros)


def advance(gates_BG: Tensor, cell_BH: Tensor, *, cell_cap: float | None) -> CellState:
    """Gate values (before their squashing) and the old cell give the new output and cell."""
    taken, kept, new, shown = gates_BG.chunk(4, dim=-1)
    cell = kept.sigmoid() * cell_BH + taken.sigmoid() * new.tanh()
    if cell_cap is not None:
        cell = cell.clamp(-cell_cap, cell_cap)
    return CellState(shown.sigmoid() * cell.tanh(), cell)


def reversal(lengths_B: Tensor, size: int) -> Tensor:
    """``[B, size]``: places that turn each sequence round and leave its padding where it is.  Its own
    inverse.
    """
    place_T = torch.arange(size, device=lengths_B.device)
    turned = lengths_B[:, None] - 1 - place_T
    return torch.where(turned >= 0, turned, place_T)


def reorder(x_BTH: Tensor, order_BT: Tensor) -> Tensor:
    """``x_BTH`` with its steps taken in the given order."""
    return x_BTH.gather(1, order_BT[..., None].expand_as(x_BTH))


def recur(gates_TDBG: Tensor, state_weight_DGH: Tensor, *, cell_cap: float | None) -> Tensor:
    """Outputs ``[T, D, B, H]`` of every step from zeros, given what the inputs add to the gates."""
    # Under autocast the products before this are bfloat16; a state summed over many steps stays float32.
    cap = float("inf") if cell_cap is None else cell_cap
    hidden: Tensor = _Recurrence.apply(gates_TDBG.float(), state_weight_DGH.float(), cap)
    return hidden


class _Recurrence(torch.autograd.Function):
    @staticmethod
    def forward(ctx, gates_TDBG: Tensor, weight_DGH: Tensor, cap: float) -> Tensor:  # type: ignore[no-untyped-def, override]
        steps, directions, batch, width = gates_TDBG.shape
        size = width // 4
        hidden = gates_TDBG.new_zeros(steps + 1, directions, batch, size)
        cell = torch.zeros_like(hidden)
        squashed = torch.empty_like(hidden[1:])
        active = torch.empty_like(gates_TDBG)
        weight_DHG = weight_DGH.transpose(1, 2)
        for t in range(steps):
            gate = active[t]
            torch.baddbmm(gates_TDBG[t], hidden[t], weight_DHG, out=gate)
            new = gate[..., 2 * size : 3 * size].tanh()
            gate.sigmoid_()
            gate[..., 2 * size : 3 * size] = new
            torch.mul(gate[..., size : 2 * size], cell[t], out=cell[t + 1])
            cell[t + 1].addcmul_(gate[..., :size], new)
            if cap != float("inf"):
                cell[t + 1].clamp_(-cap, cap)
            torch.tanh(cell[t + 1], out=squashed[t])
            torch.mul(gate[..., 3 * size :], squashed[t], out=hidden[t + 1])
        ctx.save_for_backward(active, hidden, cell, squashed, weight_DGH)
        ctx.cap = cap
        return hidden[1:]

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, grad_TDBH: Tensor) -> tuple[Tensor, Tensor, None]:  # type: ignore[no-untyped-def, override]
        active, hidden, cell, squashed, weight_DGH = ctx.saved_tensors
        grad_gates = _local_slopes(active, cell, squashed)
        size = cell.shape[-1]
        shown, kept = active[..., 3 * size :], active[..., size : 2 * size]
        slope = shown * (1 - squashed.square())
        if ctx.cap != float("inf"):
            open_TDBH = (cell[1:].abs() < ctx.cap).to(cell.dtype)
        grad_hidden = torch.zeros_like(cell[0])
        grad_cell = torch.zeros_like(cell[0])
        for t in range(len(active) - 1, -1, -1):
            grad_hidden += grad_TDBH[t]
            grad_cell.addcmul_(grad_hidden, slope[t])
            if ctx.cap != float("inf"):
                grad_cell.mul_(open_TDBH[t])
            gate = grad_gates[t]
            gate[..., : 3 * size].unflatten(-1, (3, size)).mul_(grad_cell.unsqueeze(-2))
            gate[..., 3 * size :].mul_(grad_hidden)
            grad_cell.mul_(kept[t])
            torch.bmm(gate, weight_DGH, out=grad_hidden)
        grad_weight = _summed_products(grad_gates, hidden[:-1])
        return grad_gates, grad_weight, None


def _local_slopes(active: Tensor, cell: Tensor, squashed: Tensor) -> Tensor:
    """How each gate's raw value moves the cell (the output gate: the output), for all steps at once."""
    taken, kept, new, shown = active.chunk(4, dim=-1)
    slopes = torch.empty_like(active)
    for_taken, for_kept, for_new, for_shown = slopes.chunk(4, dim=-1)
    torch.mul(new, taken, out=for_taken).mul_(1 - taken)
    torch.mul(cell[:-1], kept, out=for_kept).mul_(1 - kept)
    torch.mul(taken, 1 - new.square(), out=for_new)
    torch.mul(squashed, shown, out=for_shown).mul_(1 - shown)
    return slopes


def _summed_products(grad_TDBG: Tensor, hidden_TDBH: Tensor) -> Tensor:
    """``[D, G, H]``: the sum over steps and sequences of outer products."""
    flat_grad = grad_TDBG.transpose(0, 1).flatten(1, 2)
    flat_hidden = hidden_TDBH.transpose(0, 1).flatten(1, 2)
    return torch.bmm(flat_grad.transpose(1, 2), flat_hidden)
