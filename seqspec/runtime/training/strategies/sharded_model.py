"""A model whose weights, gradients and optimiser state are shared out among processes.

Zhao et al. (2023), "PyTorch FSDP: Experiences on Scaling Fully Sharded Data Parallel", arXiv:2304.11277, by
torch's second form of it, ``fully_shard``.  The members of the lists that a part names in ``stacked`` are
gathered one after another when the pass comes to them; everything else is gathered for the whole of a pass.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch.distributed.device_mesh import DeviceMesh
from torch.distributed.fsdp import FSDPModule, fully_shard, register_fsdp_forward_method

from seqspec.components.stacked import stacked_blocks
from seqspec.runtime.training.strategies.buffers import share_buffers

T = TypeVar("T")


class ShardedModel:
    """Shares ``model`` out, in place, among the processes of ``mesh``, which has one axis; made in every
    process at once, before the optimiser.

    Numbers without an axis cannot be cut: each process holds them, and their gradients are averaged as under
    DDP.
    """

    counts = True

    def __init__(self, model: Any, mesh: DeviceMesh) -> None:
        self.model = model
        self._mesh = mesh
        attributes = {name: dict(vars(parameter)) for name, parameter in model.named_parameters()}
        self.whole = [parameter for parameter in model.parameters() if not parameter.dim()]
        units = list(stacked_blocks(model))
        for module in (*units, model):
            fully_shard(module, mesh=mesh, ignored_params=set(self.whole))
        for name, parameter in model.named_parameters():
            vars(parameter).update(attributes[name])
        # Losses read weights outside of the model's methods, so that the pass is this method of its own.
        model.pass_through = _called
        register_fsdp_forward_method(model, "pass_through")
        self._parts = [module for module in model.modules() if isinstance(module, FSDPModule)]

    def suit(self, optimizer: torch.optim.Optimizer) -> None:
        """Torch's fused kernels know how to move a part of a parameter, but for that of gradient descent."""
        if isinstance(optimizer, torch.optim.SGD):
            for group in (optimizer.defaults, *optimizer.param_groups):
                group |= {"fused": False, "foreach": True}

    def run(self, work: Callable[[], T]) -> T:
        """``work``, which makes the objective of a micro-batch, with weights at hand wherever it needs them.

        Backward through what it gives leaves on each parameter this process's part of the mean gradient.
        """
        given: T = self.model.pass_through(work)
        return given

    @contextmanager
    def gathered(self) -> Iterator[None]:
        """Every process holds all weights until the end, and may run as many passes as it likes.  All enter
        and leave together.
        """
        for part in self._parts:
            part.set_reshard_after_forward(False, recurse=False)
            part.unshard()
        try:
            yield
        finally:
            self.model.reset_iter_state()  # gives the weights back, and forgets what passes were made
            for part in self._parts:
                part.set_reshard_after_forward(part is not self.model, recurse=False)

    @torch.no_grad()
    def average_gradients(self) -> None:
        """Of the parameters that every process holds; one that no process has a gradient of has none."""
        if not self.whole:
            return
        rows = torch.stack([_with_count(parameter) for parameter in self.whole])
        torch.distributed.all_reduce(rows, group=self._mesh.get_group())
        for parameter, (total, count) in zip(self.whole, rows, strict=True):
            parameter.grad = (total / self._mesh.size()).to(parameter.dtype) if count else None

    def share_buffers(self) -> None:
        share_buffers(self.model)


def _with_count(parameter: nn.Parameter) -> Tensor:
    """``[2]``: the gradient of a number, and 1; zeros where there is none."""
    gradient = parameter.grad
    none = torch.zeros(2, device=parameter.device)
    return none if gradient is None else torch.stack([gradient.float(), torch.ones_like(gradient).float()])


def _called(work: Callable[[], Any]) -> Any:
    return work()
