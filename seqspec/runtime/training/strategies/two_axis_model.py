"""A model whose layers are split over the processes of a group, and what each of those holds over the groups.

Narayanan et al. (2021), "Efficient Large-Scale Language Model Training on GPU Clusters Using Megatron-LM",
arXiv:2104.04473, section 2, with sharding in place of copies.  ``TensorParallelModel`` splits first, so that
``ShardedModel`` takes what a process holds of a layer for the whole of it, and gathers no more than that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import torch
from torch.distributed.device_mesh import DeviceMesh

from seqspec.runtime.training.strategies.sharded_model import ShardedModel
from seqspec.runtime.training.strategies.tensor_parallel_model import TensorParallelModel

T = TypeVar("T")


class TwoAxisModel:
    """Shares ``model`` out, in place, along both axes of ``mesh``; made in every process at once, before the
    optimiser.

    Raises ``RunError`` where its parts do not divide.
    """

    def __init__(self, model: Any, mesh: DeviceMesh) -> None:
        mesh._flatten()  # so that what an optimiser sums over both axes is one message, and one order
        self._split = TensorParallelModel(model, mesh)
        self._sharded = ShardedModel(model, mesh["data"])

    @property
    def counts(self) -> bool:
        return self._split.counts

    def suit(self, optimizer: torch.optim.Optimizer) -> None:
        """Parameters lie along both axes, along one, or are whole."""
        self._split.suit(optimizer)

    def run(self, work: Callable[[], T]) -> T:
        return self._sharded.run(work)

    @contextmanager
    def gathered(self) -> Iterator[None]:
        """What the groups share comes first: it gives the parts that a group puts together."""
        with self._sharded.gathered(), self._split.gathered():
            yield

    def average_gradients(self) -> None:
        """Over the groups; within one the backward pass has summed what it had to."""
        self._sharded.average_gradients()

    def share_buffers(self) -> None:
        self._split.share_buffers()
