"""Searches among points in terms that an exporter can write down for any number of sets and points.

They give what ``point_sets`` gives: of equal distances the earlier point.
"""

# B batch, N points, S chosen points, K neighbours, C features

from __future__ import annotations

import torch
from torch import Tensor


def exported_farthest(x_BNC: Tensor, real_BN: Tensor, *, count: int) -> Tensor:
    """``[B, S]``: farthest points by a ``scan``, so that the file does not grow with ``count``."""
    from torch._higher_order_ops.scan import scan

    def step(carried: tuple[Tensor, Tensor], _: Tensor) -> tuple[tuple[Tensor, Tensor], Tensor]:
        distance_BN, chosen_B1 = carried
        last_B1C = x_BNC.gather(1, chosen_B1[:, :, None].expand(-1, -1, x_BNC.shape[2]))
        distance_BN = torch.minimum(distance_BN, (x_BNC - last_B1C).square().sum(2))
        chosen_B1 = distance_BN.argmax(1, keepdim=True)
        # What is carried and what is given may share no memory.
        return (distance_BN, chosen_B1), chosen_B1.clone()

    first_B1 = torch.zeros_like(real_BN[:, :1], dtype=torch.int64)
    start = torch.where(real_BN, torch.inf, -1.0).to(x_BNC.dtype)
    _, found_SB1 = scan(step, (start, first_B1), torch.zeros(count - 1, 1, device=x_BNC.device))
    rest_BS = torch.as_tensor(found_SB1).squeeze(2).transpose(0, 1)
    return torch.cat([first_B1, rest_BS], dim=1)


def exported_nearest(x_BNC: Tensor, lengths_B: Tensor, *, count: int) -> Tensor:
    """``[B, N, K]``: nearest points, of sets that hold ``count`` or more with their padding.  Squares are
    added up feature by feature, so that no table of pairs and features is held.
    """
    from torch._higher_order_ops.scan import scan

    def step(squares_BNN: Tensor, x_BN: Tensor) -> tuple[Tensor, Tensor]:
        squares_BNN = squares_BNN + (x_BN[:, :, None] - x_BN[:, None]).square()
        return squares_BNN, x_BN[0, :1].clone()

    x_CBN = x_BNC.float().permute(2, 0, 1).contiguous()
    nothing_BNN = torch.zeros_like(x_CBN[0][:, :, None] - x_CBN[0][:, None])
    squares_BNN, _ = scan(step, nothing_BNN, x_CBN)
    numbers_N = torch.arange(x_BNC.shape[1], device=x_BNC.device)
    lengths_B11 = lengths_B[:, None, None]
    squares_BNN = torch.as_tensor(squares_BNN).masked_fill(numbers_N >= lengths_B11, torch.inf)
    index_BNK = _smallest(squares_BNN, count)
    return torch.where(index_BNK < lengths_B11, index_BNK, numbers_N[:, None])


def _smallest(values: Tensor, count: int) -> Tensor:
    """Places of the smallest values of each row, of equal ones the first."""
    if torch.onnx.is_in_onnx_export():  # Its sorting is not stable, its ``TopK`` is.
        return values.topk(count, dim=2, largest=False, sorted=True).indices
    return values.sort(dim=2, stable=True).indices[:, :, :count]
