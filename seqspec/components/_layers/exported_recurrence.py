"""A recurrence of any cell in terms that an exporter can write down for any length: a ``scan``."""

# B batch, T time, G gates, P output width

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from seqspec.components._layers.lstm import CellState


def exported_recurrence(
    advance: Callable[[Tensor, CellState], CellState], start: CellState, gates_BTG: Tensor
) -> Tensor:
    """``[B, T, P]``: the outputs of all steps, from ``start``; padded steps are the caller's to clear."""
    from torch._higher_order_ops.scan import scan

    def step(carried: tuple[Tensor, Tensor], gates_BG: Tensor) -> tuple[tuple[Tensor, Tensor], Tensor]:
        hidden, cell = advance(gates_BG, CellState(*carried))
        # What is carried and what is given may share no memory.
        return (hidden, cell.clone()), hidden.clone()

    _, hidden_TBP = scan(step, (start.hidden, start.cell.clone()), gates_BTG.transpose(0, 1))
    return torch.as_tensor(hidden_TBP).transpose(0, 1)
