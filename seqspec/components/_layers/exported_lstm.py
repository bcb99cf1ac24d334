"""The recurrence of an LSTM layer in terms that an exporter can write down for any length.

An ONNX file gets one ``LSTM`` operator a layer where cells are free (its ``clip`` is another clipping than
ours); elsewhere the recurrence is a ``scan``.
"""

# B batch, T time, D directions, I input width, H hidden width, G gates (4 H)

from __future__ import annotations

import torch
from torch import Tensor

from seqspec.components._layers.masks import length_mask

CLOSED = -1e4
"""What a gate's raw value is set to at padded steps: its sigmoid is exactly 0 in float32."""


def exported_lstm(
    x_BTI: Tensor,
    lengths_B: Tensor,
    *,
    input_DGI: Tensor,
    state_DGH: Tensor,
    bias_DG: Tensor,
    cell_cap: float | None,
) -> Tensor:
    """``[B, T, D · H]``, zero beyond each length; the second direction starts at each sequence's own end."""
    real_BT1 = length_mask(lengths_B, x_BTI.shape[1])[..., None]
    x_BTI = x_BTI.float() * real_BT1
    if cell_cap is None and torch.onnx.is_in_onnx_export():
        return _operator(x_BTI, lengths_B, input_DGI, state_DGH, bias_DG) * real_BT1
    directions = [
        _scanned(x_BTI.flip(1) if d else x_BTI, ~(real_BT1.flip(1) if d else real_BT1),
                 input_DGI[d], state_DGH[d], bias_DG[d], cell_cap)
        for d in range(len(bias_DG))
    ]  # fmt: skip
    turned = [y.flip(1) if d else y for d, y in enumerate(directions)]
    return torch.cat(turned, dim=-1) * real_BT1


def _operator(
    x_BTI: Tensor, lengths_B: Tensor, input_DGI: Tensor, state_DGH: Tensor, bias_DG: Tensor
) -> Tensor:
    """One ``LSTM`` of ONNX, whose gates stand in the order input, output, forget, cell."""
    directions, width, _ = state_DGH.shape
    bias = torch.cat([_onnx_order(bias_DG), torch.zeros_like(bias_DG)], dim=1)
    # The operator refuses empty sequences; the caller clears what it makes of them.
    lengths = lengths_B.clamp(min=1).to(torch.int32)
    batch, steps, _ = x_BTI.shape
    (y_TDBH,) = torch.onnx.ops.symbolic_multi_out(
        "LSTM",
        (x_BTI.transpose(0, 1), _onnx_order(input_DGI), _onnx_order(state_DGH), bias, lengths),
        {"hidden_size": width // 4, "direction": "bidirectional" if directions == 2 else "forward"},
        dtypes=(torch.float32,),
        shapes=((steps, directions, batch, width // 4),),
        version=20,
    )
    return y_TDBH.permute(2, 0, 1, 3).flatten(2)


def _onnx_order(x_DG: Tensor) -> Tensor:
    # By slices: a split has several results, and exporters do not work such constants out beforehand.
    size = x_DG.shape[1] // 4
    return torch.cat([x_DG[:, n * size : (n + 1) * size] for n in (0, 3, 1, 2)], dim=1)


def _scanned(
    x_BTI: Tensor,
    pad_BT1: Tensor,
    input_GI: Tensor,
    state_GH: Tensor,
    bias_G: Tensor,
    cell_cap: float | None,
) -> Tensor:
    """One direction step by step; padded steps have all gates closed and leave the state zero."""
    from torch._higher_order_ops.scan import scan

    gates_BTG = (x_BTI @ input_GI.t() + bias_G).masked_fill(pad_BT1, CLOSED)
    zeros_BH = gates_BTG.new_zeros(x_BTI.shape[0], state_GH.shape[1])

    def step(carried: tuple[Tensor, Tensor], gates_BG: Tensor) -> tuple[tuple[Tensor, Tensor], Tensor]:
        hidden, cell = carried
        taken, kept, new, shown = (gates_BG + hidden @ state_GH.t()).chunk(4, dim=-1)
        cell = kept.sigmoid() * cell + taken.sigmoid() * new.tanh()
        if cell_cap is not None:
            cell = cell.clamp(-cell_cap, cell_cap)
        hidden = shown.sigmoid() * cell.tanh()
        return (hidden, cell), hidden.clone()

    _, hidden_TBH = scan(step, (zeros_BH, zeros_BH.clone()), gates_BTG.transpose(0, 1))
    return hidden_TBH.transpose(0, 1)
