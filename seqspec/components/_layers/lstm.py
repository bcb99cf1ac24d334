"""Long short-term memory over batches of padded sequences, one or both directions at once.

Hochreiter & Schmidhuber (1997), "Long Short-Term Memory", Neural Computation 9(8).  One bias a gate, gates in
torch's order (input, forget, cell, output), and, where asked, the cell's value clipped as in Lingvo.

Torch's kernels do the work where cells are free.  Where they are clipped, a whole layer is one autograd
function: inputs of all steps are multiplied at once, both directions go through one batched product a step,
and every weight's gradient is one product at the end; on a CPU that costs about as much.  Either way nothing
is packed, and padded steps have all gates closed: their output and cell are zero.
"""

# B batch, T time, D directions, I input width, H hidden width, G gates (4 H)

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from seqspec.components._layers.exported_lstm import CLOSED, exported_lstm
from seqspec.components._layers.masks import clear_padding, length_mask


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
        if torch.compiler.is_exporting():
            return exported_lstm(
                x_BTI,
                lengths_B,
                input_DGI=self.input_weight_DGI,
                state_DGH=self.state_weight_DGH,
                bias_DG=self.bias_DG,
                cell_cap=self.cell_cap,
            )
        pad_BT = ~length_mask(lengths_B, x_BTI.shape[1])
        if self.cell_cap is None and x_BTI.numel() and not x_BTI.is_meta:
            return self._by_torch(x_BTI.float(), pad_BT)
        cap = float("inf") if self.cell_cap is None else self.cell_cap
        weights = (self.input_weight_DGI, self.state_weight_DGH, self.bias_DG)
        hidden: Tensor = _Layer.apply(x_BTI.float(), pad_BT, *weights, cap)
        return hidden

    def _by_torch(self, x_BTI: Tensor, pad_BT: Tensor) -> Tensor:
        """Torch's own kernel, which knows no padding: one more input, set at padded steps, closes every gate
        there.
        """
        directions, width, _ = self.state_weight_DGH.shape
        x_BTI = _Closing.apply(x_BTI, pad_BT)
        input_DGI = torch.cat(
            [self.input_weight_DGI, self.bias_DG.new_full((directions, width, 1), CLOSED)], dim=2
        )
        none, zeros = self.bias_DG.new_zeros(width), x_BTI.new_zeros(directions, len(x_BTI), self.dim)
        weights = [
            tensor
            for rows in zip(input_DGI, self.state_weight_DGH, self.bias_DG, strict=True)
            for tensor in (*rows, none)
        ]
        with _kernel(x_BTI.device):
            hidden, _, _ = torch._VF.lstm(
                x_BTI, (zeros, zeros), weights, True, 1, 0.0, self.training, directions == 2, True
            )
        given: Tensor = hidden
        return given

    def run(self, x_BTI: Tensor, state: CellState) -> tuple[Tensor, CellState]:
        """Further steps of a layer with one direction: ``[B, T, H]`` and the state after them."""
        if self.cell_cap is None and x_BTI.numel():
            none = self.bias_DG.new_zeros(self.bias_DG.shape[1])
            weights = [self.input_weight_DGI[0], self.state_weight_DGH[0], self.bias_DG[0], none]
            begin = (state.hidden[None].contiguous(), state.cell[None].contiguous())
            with _kernel(x_BTI.device):
                hidden, last, cell = torch._VF.lstm(
                    x_BTI.float(), begin, weights, True, 1, 0.0, self.training, False, True
                )
            return hidden, CellState(last[0], cell[0])
        outputs = [x_BTI.new_empty(len(x_BTI), 0, self.dim)]
        for x_BI in x_BTI.unbind(1):
            state = self.step(x_BI, state)
            outputs.append(state.hidden[:, None])
        return torch.cat(outputs, dim=1), state

    def step(self, x_BI: Tensor, state: CellState) -> CellState:
        """One step of a layer with one direction."""
        gates = nn.functional.linear(x_BI, self.input_weight_DGI[0], self.bias_DG[0])
        gates = gates + nn.functional.linear(state.hidden, self.state_weight_DGH[0])
        return advance(gates, state.cell, cell_cap=self.cell_cap)

    def start(self, size: int) -> CellState:
        """Zeros for ``size`` sequences."""
        zeros = self.bias_DG.new_zeros(size, self.dim)
        return CellState(zeros, zeros)


class _Closing(torch.autograd.Function):
    """One more input: 1 at padded steps, where the others become 0; 0 elsewhere.

    A closed gate passes no gradient, so there is none to clear on the way back.
    """

    @staticmethod
    def forward(ctx: Any, x_BTI: Tensor, pad_BT: Tensor) -> Tensor:
        given = x_BTI.new_empty(*x_BTI.shape[:2], x_BTI.shape[2] + 1)
        given[..., :-1] = x_BTI
        given[..., -1] = pad_BT
        clear_padding(given[..., :-1], ~pad_BT)
        return given

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        return grad[..., :-1], None


@contextmanager
def _kernel(device: torch.device) -> Iterator[None]:
    """CuDNN would like all weights in one piece of memory and warns that it copies them there.  A CPU has no
    kernel in float16: it works in float32.
    """
    if device.type != "cuda":
        half = device.type == "cpu" and torch.get_autocast_dtype("cpu") == torch.float16
        with torch.autocast("cpu", enabled=False) if half else nullcontext():
            yield
        return
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="RNN module weights are not part of single contiguous")
        yield


def advance(gates_BG: Tensor, cell_BH: Tensor, *, cell_cap: float | None) -> CellState:
    """Gate values (before their squashing) and the old cell give the new output and cell."""
    taken, kept, new, shown = gates_BG.chunk(4, dim=-1)
    cell = kept.sigmoid() * cell_BH + taken.sigmoid() * new.tanh()
    if cell_cap is not None:
        cell = cell.clamp(-cell_cap, cell_cap)
    return CellState(shown.sigmoid() * cell.tanh(), cell)


class _Layer(torch.autograd.Function):
    """The second direction reads a copy that is turned round in time; padding, then at its beginning, keeps
    its state zero.
    """

    @staticmethod
    def forward(
        ctx: Any,
        x_BTI: Tensor,
        pad_BT: Tensor,
        input_DGI: Tensor,
        state_DGH: Tensor,
        bias_DG: Tensor,
        cap: float,
    ) -> Tensor:
        gates_DBTG = _project(_both(x_BTI, len(bias_DG)), input_DGI, bias_DG)
        gates_DBTG.masked_fill_(torch.stack(_both(pad_BT, len(bias_DG)))[..., None], CLOSED)
        hidden, cell, squashed = _run(gates_DBTG, state_DGH.transpose(1, 2), cap)
        ctx.save_for_backward(x_BTI, gates_DBTG, hidden, cell, squashed, input_DGI, state_DGH)
        ctx.cap = cap
        return torch.cat(_turned(hidden[:, :, 1:]), dim=-1)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad_BTE: Tensor) -> tuple[Tensor | None, ...]:
        x_BTI, active, hidden, cell, squashed, input_DGI, state_DGH = ctx.saved_tensors
        grad_hidden = torch.stack(_turned(grad_BTE.chunk(len(active), dim=-1)))
        grad_gates = _run_back(grad_hidden, active, cell, squashed, state_DGH, ctx.cap)
        flat = grad_gates.flatten(1, 2)
        grad_state = torch.bmm(flat.transpose(1, 2), hidden[:, :, :-1].flatten(1, 2))
        inputs = [x.flatten(0, 1) for x in _both(x_BTI, len(active))]
        grad_input = torch.stack([_mm(g.t(), x) for g, x in zip(flat, inputs, strict=True)])
        grad_x = None
        if ctx.needs_input_grad[0]:
            parts = [_mm(g, w).view(x_BTI.shape) for g, w in zip(flat, input_DGI, strict=True)]
            grad_x = parts[0] if len(parts) == 1 else parts[0].add_(parts[1].flip(1))
        return grad_x, None, grad_input, grad_state, flat.sum(1), None


def _both(x_BT: Tensor, directions: int) -> list[Tensor]:
    """What each direction reads, in its own order of time."""
    return [x_BT] if directions == 1 else [x_BT, x_BT.flip(1)]


def _turned(x_DBT: Sequence[Tensor] | Tensor) -> list[Tensor]:
    """Each direction's steps; those of the second turned round."""
    return [x if index == 0 else x.flip(1) for index, x in enumerate(x_DBT)]


def _project(inputs: list[Tensor], weight_DGI: Tensor, bias_DG: Tensor) -> Tensor:
    """``[D, B, T, G]``: what the inputs add to the gates of every step."""
    batch, steps, _ = inputs[0].shape
    gates = inputs[0].new_empty(len(inputs), batch, steps, bias_DG.shape[1])
    for gate, x, weight, bias in zip(gates, inputs, weight_DGI, bias_DG, strict=True):
        if _lowered(x) is None:
            torch.addmm(bias, x.flatten(0, 1), weight.t(), out=gate.view(-1, gate.shape[-1]))
        else:
            torch.add(_mm(x.flatten(0, 1), weight.t()).view(gate.shape), bias, out=gate)
    return gates


def _mm(a: Tensor, b: Tensor) -> Tensor:
    """A product over all steps, in the lower precision that autocast allows; the recurrence itself stays
    float32.
    """
    dtype = _lowered(a)
    return a @ b if dtype is None else (a.to(dtype) @ b.to(dtype)).float()


def _lowered(x: Tensor) -> torch.dtype | None:
    kind = x.device.type
    return torch.get_autocast_dtype(kind) if kind != "meta" and torch.is_autocast_enabled(kind) else None


def _run(gates_DBTG: Tensor, weight_DHG: Tensor, cap: float) -> tuple[Tensor, Tensor, Tensor]:
    """Outputs and cells ``[D, B, T + 1, H]`` from zeros, and the cells' tanh; ``gates`` become the gates'
    values.
    """
    directions, batch, steps, width = gates_DBTG.shape
    size = width // 4
    hidden = gates_DBTG.new_zeros(directions, batch, steps + 1, size)
    cell = torch.zeros_like(hidden)
    squashed = gates_DBTG.new_empty(directions, batch, steps, size)
    before = hidden[:, :, 0]
    for t in range(steps):
        gate = torch.baddbmm(gates_DBTG[:, :, t], before, weight_DHG)
        new = gate[..., 2 * size : 3 * size].tanh()
        gate.sigmoid_()
        gate[..., 2 * size : 3 * size] = new
        gates_DBTG[:, :, t] = gate
        now = torch.mul(gate[..., size : 2 * size], cell[:, :, t]).addcmul_(gate[..., :size], new)
        if cap != float("inf"):
            now.clamp_(-cap, cap)
        cell[:, :, t + 1] = now
        now = now.tanh()
        squashed[:, :, t] = now
        before = gate[..., 3 * size :] * now
        hidden[:, :, t + 1] = before
    return hidden, cell, squashed


def _run_back(
    grad_DBTH: Tensor, active_DBTG: Tensor, cell: Tensor, squashed: Tensor, weight_DGH: Tensor, cap: float
) -> Tensor:
    """Gradient of the gates' raw values, ``[D, B, T, G]``."""
    size = cell.shape[-1]
    slopes = _slopes(active_DBTG, cell, squashed)
    kept, shown = active_DBTG[..., size : 2 * size], active_DBTG[..., 3 * size :]
    through = shown * (1 - squashed.square())
    free = (cell[:, :, 1:].abs() < cap).to(cell.dtype) if cap != float("inf") else None
    grad_hidden = torch.zeros_like(cell[:, :, 0])
    grad_cell = torch.zeros_like(grad_hidden)
    for t in range(active_DBTG.shape[2] - 1, -1, -1):
        grad_hidden = grad_hidden + grad_DBTH[:, :, t]
        grad_cell.addcmul_(grad_hidden, through[:, :, t])
        if free is not None:
            grad_cell.mul_(free[:, :, t])
        gate = slopes[:, :, t]
        gate[..., : 3 * size].view(*gate.shape[:-1], 3, size).mul_(grad_cell.unsqueeze(-2))
        gate[..., 3 * size :].mul_(grad_hidden)
        grad_cell.mul_(kept[:, :, t])
        grad_hidden = torch.bmm(gate, weight_DGH)
    return slopes


def _slopes(active: Tensor, cell: Tensor, squashed: Tensor) -> Tensor:
    """How each gate's raw value moves the cell (the output gate: the output), for all steps at once."""
    taken, kept, new, shown = active.chunk(4, dim=-1)
    slopes = torch.empty_like(active)
    for_taken, for_kept, for_new, for_shown = slopes.chunk(4, dim=-1)
    torch.mul(new, taken, out=for_taken).mul_(1 - taken)
    torch.mul(cell[:, :, :-1], kept, out=for_kept).mul_(1 - kept)
    torch.mul(taken, 1 - new.square(), out=for_new)
    torch.mul(squashed, shown, out=for_shown).mul_(1 - shown)
    return slopes
