"""Layers whose weights several processes share, each with some of the heads or of the inner features.

Shoeybi et al. (2019), "Megatron-LM: Training Multi-Billion Parameter Language Models Using Model
Parallelism", arXiv:1909.08053, section 3; weights are torch's ``DTensor``.  Between a layer whose columns
are split and one whose rows are split each process works on its part alone; the parts are summed once on the
way forward, where rows end, and once on the way back, where columns begin.
"""

# I inputs, O outputs

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from seqspec.components._layers.dropout import dropout


@dataclass(frozen=True)
class Group:
    """The processes that share layers, and which of them this one is."""

    mesh: Any
    """Torch's ``DeviceMesh`` of one axis."""
    rank: int
    size: int

    def entered(self, x: Tensor) -> Tensor:
        """``x``, which every process holds, where columns begin: its gradient is the sum of what comes back
        in all processes.
        """
        given: Tensor = _Entered.apply(x, self.mesh.get_group())
        return given

    def summed(self, x: Tensor) -> Tensor:
        """The sum of what all processes hold, where rows end; written over ``x``."""
        given: Tensor = _Summed.apply(x.contiguous(), self.mesh.get_group())
        return given

    def part(self, x: Tensor, *, dim: int) -> Tensor:
        """The part of ``x`` that is this process's, cut along ``dim``; every process holds ``x``."""
        return self.entered(x).chunk(self.size, dim)[self.rank]

    def dropout(self, x: Tensor, p: float, *, dim: int) -> Tensor:
        """``dropout`` of a part, cut along ``dim``: its zeros are those that one process draws for all."""
        whole = list(x.shape)
        whole[dim] *= self.size
        mask = dropout(torch.ones(whole, dtype=x.dtype, device=x.device), p)
        return x * mask.chunk(self.size, dim)[self.rank]


@dataclass(frozen=True)
class Columns:
    """A linear layer whose outputs are split."""

    pieces: int = 1
    """Stretches of outputs each of which is split by itself, such as gates and values."""


@dataclass(frozen=True)
class Rows:
    """A linear layer whose inputs are split, and whose outputs are the sum over the processes."""


@dataclass(frozen=True)
class Cut:
    """How a parameter that is no linear layer's is split."""

    dim: int
    pieces: int = 1
    """Stretches along ``dim`` each of which is split by itself."""


@dataclass(frozen=True)
class TensorPlan:
    """How a part is shared by several processes."""

    layers: Mapping[str, Columns | Rows]
    """By the names of its linear layers."""
    counts: Mapping[str, int]
    """Numbers that the processes have to divide, by what they are called in a spec."""
    weights: Mapping[str, Cut] = field(default_factory=dict)
    """Parameters of its own, by name."""


@runtime_checkable
class TensorParallel(Protocol):
    """A part that several processes can share; whoever shares it sets ``group``, and ``split`` of layers."""

    group: Group | None

    def tensor_plan(self) -> TensorPlan | None:
        """``None`` where it cannot be shared as it is configured."""
        ...


@dataclass(frozen=True)
class Split:
    """What a linear layer that is split has to know."""

    group: Group
    how: Columns | Rows

    def own(self, tensor: Tensor) -> Tensor:
        """The part of a weight or a bias that is this process's; constants, such as zeros, are held whole."""
        return own(tensor) if isinstance(tensor, nn.Parameter) else self.group.part(tensor, dim=0)


def own(tensor: Tensor) -> Tensor:
    """The part of a parameter that is this process's, or all of one that is not split."""
    held: Any = tensor
    part: Tensor = held.to_local() if hasattr(held, "to_local") else held
    return part


class _Entered(torch.autograd.Function):
    """Megatron-LM's f: the same on the way forward, a sum over the processes on the way back."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, processes: Any) -> Tensor:
        ctx.processes = processes
        return x.view_as(x)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        total = grad.clone(memory_format=torch.contiguous_format)
        torch.distributed.all_reduce(total, group=ctx.processes)
        return total, None


class _Summed(torch.autograd.Function):
    """Megatron-LM's g: a sum over the processes on the way forward, the same on the way back."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, processes: Any) -> Tensor:
        ctx.mark_dirty(x)
        torch.distributed.all_reduce(x, group=processes)
        return x

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        return grad, None
