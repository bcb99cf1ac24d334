"""A model whose attention heads and feed-forward networks are split over processes.

The processes of a group work on the same batches, with all that the model does not split done alike in each;
several groups share batches, and have the mean of their gradients.  What can be split, its parts say
themselves: see ``TensorParallel``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch.distributed.device_mesh import DeviceMesh
from torch.distributed.tensor import Placement, Shard, distribute_tensor
from torch.distributed.tensor.placement_types import _StridedShard

from seqspec.components._layers.linear import LOW_RANK, Linear
from seqspec.components._layers.low_rank import LowRank
from seqspec.components._layers.tensor_parallel import (
    Columns,
    Cut,
    Group,
    Rows,
    Split,
    TensorParallel,
    TensorPlan,
)
from seqspec.runtime.devices.sharded_tensors import by_mesh, gathered, is_sharded, local
from seqspec.runtime.training.strategies.buffers import share_buffers
from seqspec.schema.diagnostic import Exit, RunError

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
        require_splittable(model, processes=size)
        self._model = model
        self._parts = tuple(splittable(model))
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


@dataclass(frozen=True)
class Part:
    """A part of a model that can be split."""

    name: str
    module: Any
    plan: TensorPlan


def splittable(model: nn.Module) -> Iterator[Part]:
    """The parts that say how they are split, but for those that share a weight with another."""
    holders: dict[int, int] = {}
    for module in model.modules():
        for parameter in module.parameters(recurse=False):
            holders[id(parameter)] = holders.get(id(parameter), 0) + 1
    for name, module in model.named_modules():
        plan = module.tensor_plan() if isinstance(module, TensorParallel) else None
        if plan is None:
            continue
        layers = {layer: module.get_submodule(layer) for layer in plan.layers}
        weights = [p for layer in layers.values() for p in layer.parameters()]
        weights += [module.get_parameter(weight) for weight in plan.weights]
        alone = all(holders[id(weight)] == 1 for weight in weights)
        if alone and all(_can_be_split(layer, plan.layers[key]) for key, layer in layers.items()):
            yield Part(name, module, plan)


def require_splittable(model: nn.Module, *, processes: int) -> None:
    """Raises ``RunError`` where there is nothing to split, or it cannot be split by so many."""
    parts = tuple(splittable(model))
    if not parts:
        raise RunError(
            "tensor parallelism splits attention and feed-forward networks, "
            "and it finds none in this model that it can split",
            exit=Exit.USAGE,
            help="use `--strategy fsdp` alone, or leave both out",
        )
    fits = math.gcd(processes, *(count for part in parts for count in part.plan.counts.values()))
    for part in parts:
        for what, count in part.plan.counts.items():
            if count % processes:
                group = f"`--tensor-parallel {fits}`, or " if fits > 1 else ""
                raise RunError(
                    f"{processes} processes do not divide the {count} of `{what}` in `{part.name}`",
                    exit=Exit.USAGE,
                    help=f"use {group}`--strategy fsdp` alone",
                )


def _can_be_split(layer: nn.Module, how: Columns | Rows) -> bool:
    beside = layer._modules.get(LOW_RANK)
    fits = beside is None or (isinstance(beside, LowRank) and beside.cuts(how) is not None)
    return isinstance(layer, Linear) and fits


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
