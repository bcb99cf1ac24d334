"""Which runs can share their weights out among processes, asked before any data are read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any, Protocol, TypeVar

import torch

from seqspec.compile.plan.plan import Plan
from seqspec.components.splittable import require_splittable, splittable
from seqspec.runtime.devices.launch import Launch, Place
from seqspec.schema.diagnostic import Exit, RunError

T = TypeVar("T")


class SharedOut(Protocol):
    """A model of which each process holds a part."""

    @property
    def counts(self) -> bool:
        """Whether what this process's micro-batches give enters the journal: false where another works on the
        same ones.
        """
        ...

    def suit(self, optimizer: torch.optim.Optimizer) -> None:
        """Make torch's kernels fit for parts of parameters."""
        ...

    def run(self, work: Callable[[], T]) -> T:
        """``work``, which makes the objective of a micro-batch."""
        ...

    def gathered(self) -> AbstractContextManager[None]:
        """Every process holds all weights until the end; all enter and leave together."""
        ...

    def average_gradients(self) -> None:
        """What the backward pass has not brought together."""
        ...

    def share_buffers(self) -> None:
        """Running statistics are those of the first process."""
        ...


def shard(model: Any, place: Place, launch: Launch) -> SharedOut:
    """Share ``model`` out among the processes, which all call it."""
    # Each loads what one process never needs.
    from torch.distributed.device_mesh import init_device_mesh

    size = launch.splits(place)
    if launch.strategy == "fsdp" and size == 1:
        from seqspec.runtime.training.strategies.sharded_model import ShardedModel

        return ShardedModel(model, init_device_mesh(launch.accelerator, (place.world,)))
    # Neighbours split layers: they send most, and stand on one machine.
    mesh = init_device_mesh(
        launch.accelerator, (place.world // size, size), mesh_dim_names=("data", "tensor")
    )
    if launch.strategy == "tp":
        from seqspec.runtime.training.strategies.tensor_parallel_model import TensorParallelModel

        return TensorParallelModel(model, mesh)
    from seqspec.runtime.training.strategies.two_axis_model import TwoAxisModel

    return TwoAxisModel(model, mesh)


def require_shardable(plan: Plan, launch: Launch) -> None:
    """Raises ``RunError`` where ``--strategy`` cannot carry the plan out."""
    place = Place.here(launch)
    _require_groups(launch, place)
    if not launch.shards(place):
        return
    what = next(_hindrances(plan, launch), None)
    if what:
        raise RunError(
            f"`--strategy {launch.strategy}` cannot shard a run with {what}",
            exit=Exit.USAGE,
            help="leave --strategy out: every process then holds the whole model",
        )


def require_divisible(model: Any, launch: Launch, place: Place) -> None:
    """Raises ``RunError`` where the processes cannot split the model among themselves."""
    if launch.shards(place) and (launch.strategy == "tp" or launch.splits(place) > 1):
        require_splittable(tuple(splittable(model)), processes=launch.splits(place))


def _require_groups(launch: Launch, place: Place) -> None:
    size = launch.tensor_parallel
    if size is None:
        return
    if launch.strategy not in ("fsdp", "tp"):
        raise RunError(
            f"`--tensor-parallel {size}` says how many processes split a layer, "
            f"and `--strategy {launch.strategy}` splits none",
            exit=Exit.USAGE,
            help="use `--strategy tp` or `--strategy fsdp`, or leave --tensor-parallel out",
        )
    if place.world % size:
        raise RunError(
            f"{place.world} process{'es' * (place.world > 1)} cannot form groups of {size}",
            exit=Exit.USAGE,
            help="use a number of devices that is a multiple of --tensor-parallel",
        )


def _hindrances(plan: Plan, launch: Launch) -> Iterator[str]:
    experiment = plan.experiment
    procedure: Any = experiment.procedure
    kind = procedure.component[1]
    if procedure.apart():
        yield f"`procedure: {kind}`, whose replicas each hold a model of their own"
    if procedure.joins:
        yield f"`procedure: {kind}`, which compares the gradients of tasks"
    if len(procedure.phases(tuple(str(path[-1]) for path in plan.optimizers))) > 1:
        yield f"`procedure: {kind}`, in which several optimisers take turns"
    if experiment.train.gradient_cosines:
        yield "`train.gradient_cosines`, which compares the gradients of tasks"
    if any(one.experiment.data.lanes is not None for one in plan.each.values()):
        yield "`data.pack.sample: lanes`, whose memories each process holds of its own lanes"
    if experiment.train.weight_noise:
        yield "`train.weight_noise`, which each process draws for all weights"
    if experiment.train.quantize:
        yield "`train.quantize`, which rounds weights as a whole"
    if launch.compile:
        yield "`--compile`"
