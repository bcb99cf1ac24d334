"""Tensors of which each process holds a part: torch's ``DTensor``, as ``fully_shard`` makes of parameters.

Whatever is not shared out goes through these functions as it is, so that one process, and processes that each
hold everything, do what they did.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor

_MODULE = "torch.distributed.tensor"


def is_sharded(tensor: Tensor) -> bool:
    """Whether this process may hold only a part of it.  Loads nothing."""
    module: Any = sys.modules.get(_MODULE)
    return module is not None and isinstance(tensor, module.DTensor)


def any_sharded(tensors: Iterable[Tensor]) -> bool:
    """Whether one of them is; asks each type once."""
    module: Any = sys.modules.get(_MODULE)
    return module is not None and any(issubclass(kind, module.DTensor) for kind in set(map(type, tensors)))


def local(tensor: Tensor) -> Tensor:
    """The part of this process, in the same memory."""
    part: Any = tensor
    return part.to_local() if is_sharded(tensor) else tensor


def gathered(tensor: Tensor) -> Tensor:
    """All of it.  Every process must ask, in the same order."""
    if not is_sharded(tensor):
        return tensor
    part: Any = tensor.detach()
    return _rows_in_order(part) if _evenly_by_rows(part) else part.full_tensor()


def _evenly_by_rows(part: Any) -> bool:
    """Whether each process has as many rows as every other: then no layout has to be worked out."""
    (*others, placement) = part.placements
    kind: Any = sys.modules[_MODULE]
    cut = not others and type(placement) is kind.Shard and placement.dim == 0
    return bool(cut and part.numel() and part.shape[0] % part.device_mesh.size() == 0)


def _rows_in_order(part: Any) -> Tensor:
    whole = torch.empty(part.shape, dtype=part.dtype, device=part.device)
    mesh = part.device_mesh
    rows = list(whole.chunk(mesh.size()))
    torch.distributed.all_gather(rows, part.to_local().contiguous(), group=mesh.get_group())
    return whole


def sharded_as(tensor: Tensor, whole: Tensor) -> Tensor:
    """``whole``, which every process has, shared out as ``tensor`` is; nothing is sent."""
    if not is_sharded(tensor):
        return whole
    from torch.distributed.tensor import distribute_tensor

    like: Any = tensor
    return distribute_tensor(whole.to(like.device), like.device_mesh, like.placements, src_data_rank=None)


@torch.no_grad()
def copy_into(tensor: Tensor, whole: Tensor) -> None:
    """Give ``tensor`` the values of ``whole``, which every process has."""
    local(tensor.detach()).copy_(local(sharded_as(tensor, whole)))


def take_part(files: Mapping[str, Mapping[str, Tensor]]) -> None:
    """What the other processes do while the first writes tensors by file and name: they send their parts."""
    for tensors in files.values():
        for name in sorted(tensors):
            gathered(tensors[name])
