"""Products of the rows of each group with the group's own matrix."""

# M rows in order of their group, G groups, K inner width, N outer width

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

ALIGNED = 16
"""Bytes that torch's grouped product wants rows and columns to be multiples of."""


def grouped_product(x_MK: Tensor, weight_GKN: Tensor, counts_G: Tensor) -> Tensor:
    """``[M, N]``: the first ``counts_G[0]`` rows times the first matrix, and so on; the counts add up to M.

    Torch's own grouped product where it takes the numbers, else one product a group that has rows; on a CPU
    both give the same bits.
    """
    if _is_grouped(x_MK, weight_GKN):
        ends_G = counts_G.cumsum(0).to(torch.int32)
        return functional.grouped_mm(x_MK, weight_GKN, offs=ends_G)
    return segments(x_MK, weight_GKN, counts_G)


def segments(x_MK: Tensor, weight_GKN: Tensor, counts_G: Tensor) -> Tensor:
    """The same, group by group."""
    parts = x_MK.split(counts_G.tolist())
    given = [part @ weight_GKN[group] for group, part in enumerate(parts) if len(part)]
    if len(given) == len(parts):
        return torch.cat(given)
    # A group without rows still belongs to the graph, so that its gradient is zero as in torch's own.
    nothing = x_MK[:0] @ weight_GKN.sum(0)
    return torch.cat([*given, nothing])


def _is_grouped(x_MK: Tensor, weight_GKN: Tensor) -> bool:
    size = x_MK.element_size()
    widths = weight_GKN.shape[1:]
    return (
        x_MK.dtype in (torch.float32, torch.bfloat16, torch.float16)
        and x_MK.device.type != "meta"
        and len(x_MK) > 0
        and all(width * size % ALIGNED == 0 for width in widths)
    )
