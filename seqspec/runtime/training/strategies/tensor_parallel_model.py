"""A model whose attention heads and feed-forward networks are split over processes.

The processes of a group work on the same batches, with all that the model does not split done alike in each;
several groups share batches, and have the mean of their gradients.  What can be split, its parts say
themselves: see ``TensorParallel``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch.distributed.device_mesh import DeviceMesh
from torch.distributed.tensor import Placement, Shard, distribute_tensor
from torch.distributed.tensor.placement_types import _StridedShard

from seqspec.components._layers.linear import LOW_RANK, Linear
from seqspec.components._layers.low_rank import LowRank
from seqspec.components._layers.tensor_parallel import Columns, Cut, Group, Split
from seqspec.components.splittable import Part, require_splittable, splittable
from seqspec.runtime.devices.sharded_tensors import by_mesh, gathered, is_sharded, local
from seqspec.runtime.training.strategies.buffers import share_buffers

T = TypeVar("T")

BUCKET = 1 << 22
"""Numbers of gradients that groups send at once."""


class TensorParallelModel:
    """Splits ``model``, in place, over the groups of ``mesh``: its axis ``data`` counts them, ``tensor`` the
    processes of each.  Made in every process at once, before the optimiser.

    Raises ``RunError`` where its parts do not divide.
    """

    def __init__(self, model: Any, mesh: DeviceMesh) -> None:
        size = mesh["tensor"].size()
        self._model = model
        self._parts = tuple(splittable(model))
        require_splittable(self._parts, processes=size)
        self._data = mesh["data"]
        self._group = Group(mesh["tensor"], mesh["tensor"].get_local_rank(), size)
        self._split: list[tuple[nn.Module, str]] = []
        """Modules, and the names of their parameters that are split."""
        for part in self._parts:
            self._split += _split_part(part, self._group)
        self._set(self._group)

    @property
    def counts(self) -> bool:
        """All processes of a group see the same micro-batches; the first counts them."""
        return self._group.rank == 0

    def suit(self, optimizer: torch.optim.Optimizer) -> None:
        """Torch's kernels for many parameters take those that the same processes share, and no others with
        them; that of gradient descent takes no parts.
        """
        groups: list[dict[str, Any]] = []
        for group in optimizer.param_groups:
            for parameters in by_mesh(group["params"]):
                plain = isinstance(optimizer, torch.optim.SGD) and is_sharded(parameters[0])
                kernel = {"fused": False, "foreach": True} if plain else {}
                groups.append({**group, **kernel, "params": parameters})
        optimizer.param_groups[:] = groups

    def run(self, work: Callable[[], T]) -> T:
        """The layers send what they have to by themselves."""
        return work()

    @contextmanager
    def gathered(self) -> Iterator[None]:
        """Every process holds all weights until the end, and works by itself; all enter together."""
        kept = [(module, name, module._parameters[name]) for module, name in self._split]
        layers = [(layer, layer.split) for layer in self._layers()]
        for module, name, parameter in kept:
            assert parameter is not None
            module._parameters[name] = _whole(parameter)
        for layer, _ in layers:
            layer.split = None
        self._set(None)
        try:
            yield
        finally:
            for module, name, parameter in kept:
                module._parameters[name] = parameter
            for layer, split in layers:
                layer.split = split
            self._set(self._group)

    @torch.no_grad()
    def average_gradients(self) -> None:
        """Over the groups, which have worked on batches of their own; within one the backward pass has summed
        what it had to.
        """
        if self._data.size() == 1:
            return
        learns = [parameter for parameter in self._model.parameters() if parameter.requires_grad]
        if not learns:
            return
        # A layer that one group's batches have not come to may have a gradient in another.
        held = torch.tensor([float(parameter.grad is not None) for parameter in learns])
        held = held.to(local(learns[0]).device)
        torch.distributed.all_reduce(held, group=self._data.get_group())
        found = [parameter for parameter, count in zip(learns, held.tolist(), strict=True) if count]
        for parameter in found:
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
        for bucket in _buckets([local(parameter.grad) for parameter in found if parameter.grad is not None]):
            _average(bucket, self._data)

    def share_buffers(self) -> None:
        """Processes of one group have seen the same batches."""
        if self._data.size() > 1:
            share_buffers(self._model)

    def _layers(self) -> Iterator[Linear]:
        for part in self._parts:
            for name in part.plan.layers:
                layer = part.module.get_submodule(name)
                assert isinstance(layer, Linear)
                yield layer

    def _set(self, group: Group | None) -> None:
        for part in self._parts:
            part.module.group = group


def _split_part(part: Part, group: Group) -> Iterator[tuple[nn.Module, str]]:
    """Splits its parameters, and gives the places of those."""
    for name, how in part.plan.layers.items():
        layer = part.module.get_submodule(name)
        layer.split = Split(group, how)
        cuts = {"weight": Cut(0, how.pieces) if isinstance(how, Columns) else Cut(1)}
        if isinstance(how, Columns) and isinstance(layer.bias, nn.Parameter):
            cuts["bias"] = cuts["weight"]
        yield from _split_weights(layer, cuts, group)
        beside = layer._modules.get(LOW_RANK)
        if isinstance(beside, LowRank):
            yield from _split_weights(beside, beside.cuts(how) or {}, group)
    yield from _split_weights(part.module, part.plan.weights, group)


def _split_weights(
    module: nn.Module, cuts: Mapping[str, Cut], group: Group
) -> Iterator[tuple[nn.Module, str]]:
    for name, cut in cuts.items():
        setattr(module, name, _shared(module.get_parameter(name), cut, group))
        yield module, name


def _shared(parameter: nn.Parameter, cut: Cut, group: Group) -> nn.Parameter:
    """The parameter as each process's part of it, with whatever others have noted on it."""
    placement: Placement = (
        Shard(cut.dim) if cut.pieces == 1 else _StridedShard(cut.dim, split_factor=cut.pieces)
    )
    part: Tensor = distribute_tensor(parameter.detach(), group.mesh, [placement], src_data_rank=None)
    given = nn.Parameter(part, requires_grad=parameter.requires_grad)
    vars(given).update(vars(parameter))
    return given


def _whole(parameter: nn.Parameter) -> nn.Parameter:
    return nn.Parameter(gathered(parameter), requires_grad=parameter.requires_grad)


def _buckets(gradients: list[Tensor]) -> Iterator[list[Tensor]]:
    """Gradients of one type each, so many that they are worth a message."""
    for dtype in sorted({gradient.dtype for gradient in gradients}, key=str):
        bucket: list[Tensor] = []
        for gradient in (one for one in gradients if one.dtype == dtype):
            bucket.append(gradient)
            if sum(one.numel() for one in bucket) >= BUCKET:
                yield bucket
                bucket = []
        if bucket:
            yield bucket


def _average(gradients: list[Tensor], data: DeviceMesh) -> None:
    flat = torch.cat([gradient.reshape(-1) for gradient in gradients])
    torch.distributed.all_reduce(flat, group=data.get_group())
    flat /= data.size()
    parts = flat.split([gradient.numel() for gradient in gradients])
    for gradient, part in zip(gradients, parts, strict=True):
        gradient.copy_(part.view_as(gradient))
