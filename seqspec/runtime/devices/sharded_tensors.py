"""Tensors of which each process holds a part: torch's ``DTensor``, as ``fully_shard`` makes of parameters.

Where processes stand along two axes, the inner one, the last, has split a tensor, and the outer one has cut
the rows of what that gave.  Torch's own gathering takes the placements of both for one order of rows, which
they are not where a split is one of several matrices in one; so one axis after the other is undone here.

Whatever is not shared out goes through these functions as it is, so that one process, and processes that each
hold everything, do what they did.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
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


def mesh_of(tensor: Tensor) -> Any:
    """The ``DeviceMesh`` of the processes that share it; ``None`` where each holds all of it."""
    part: Any = tensor
    return part.device_mesh if is_sharded(tensor) else None


def by_mesh(tensors: Iterable[Tensor]) -> list[list[Tensor]]:
    """Those that the same processes share, together; those that each holds whole at the end."""
    found: dict[Any, list[Tensor]] = {}
    for tensor in tensors:
        found.setdefault(mesh_of(tensor), []).append(tensor)
    return sorted(found.values(), key=lambda those: mesh_of(those[0]) is None)


def gathered(tensor: Tensor) -> Tensor:
    """All of it.  Every process must ask, in the same order."""
    if not is_sharded(tensor):
        return tensor
    part: Any = tensor.detach()
    if part.device_mesh.ndim > 1:
        part = _along_the_inner_axis(part)
    return _rows_in_order(part) if _evenly_by_rows(part) else part.full_tensor()


def _along_the_inner_axis(part: Any) -> Any:
    """``part`` as it was before the outer axis cut it."""
    outer, inner = _axes(part)
    rows, split = part.placements
    shape = list(part.shape)
    if hasattr(split, "dim"):
        shape[split.dim] //= inner.size()
    return _tensor_of(
        gathered(_tensor_of(part.to_local(), outer, _plain(rows), shape)), inner, split, part.shape
    )


def _axes(part: Any) -> tuple[Any, Any]:
    """The outer and the inner one."""
    outer, inner = (part.device_mesh[name] for name in part.device_mesh.mesh_dim_names)
    return outer, inner


def _plain(rows: Any) -> Any:
    """How the outer axis alone has cut: not by every so many rows, as torch says where both axes cut rows."""
    kind: Any = sys.modules[_MODULE]
    return kind.Shard(rows.dim) if hasattr(rows, "dim") else rows


def _tensor_of(local: Tensor, mesh: Any, placement: Any, shape: Sequence[int]) -> Any:
    kind: Any = sys.modules[_MODULE]
    size = torch.Size(shape)
    stride = torch.empty(size, device="meta").stride()
    return kind.DTensor.from_local(local, mesh, [placement], run_check=False, shape=size, stride=stride)


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
    whole = whole.to(like.device)
    if like.device_mesh.ndim == 1:
        return distribute_tensor(whole, like.device_mesh, like.placements, src_data_rank=None)
    outer, inner = _axes(like)
    rows, split = like.placements
    own = distribute_tensor(whole, inner, [split], src_data_rank=None).to_local()
    part = distribute_tensor(own, outer, [_plain(rows)], src_data_rank=None).to_local()
    given: Any = torch.zeros_like(like, dtype=whole.dtype)
    given.to_local().copy_(part)
    return given


@torch.no_grad()
def copy_into(tensor: Tensor, whole: Tensor) -> None:
    """Give ``tensor`` the values of ``whole``, which every process has."""
    local(tensor.detach()).copy_(local(sharded_as(tensor, whole)))


def take_part(files: Mapping[str, Mapping[str, Tensor]]) -> None:
    """What the other processes do while the first writes tensors by file and name: they send their parts."""
    for tensors in files.values():
        for name in sorted(tensors):
            gathered(tensors[name])
