"""Which runs can share their weights out among processes, asked before any data are read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from seqspec.compile.plan.plan import Plan
from seqspec.runtime.devices.launch import Launch, Place
from seqspec.schema.diagnostic import Exit, RunError

if TYPE_CHECKING:
    from seqspec.runtime.training.strategies.sharded_model import ShardedModel


def shard(model: Any, place: Place, launch: Launch) -> ShardedModel:
    """Share ``model`` out among the processes, which all call it."""
    from seqspec.runtime.training.strategies.sharded_model import (
        ShardedModel,  # loads what one process never needs
    )

    return ShardedModel(model, place, device=launch.accelerator)


def require_shardable(plan: Plan, launch: Launch) -> None:
    """Raises ``RunError`` where ``--strategy fsdp`` cannot carry the plan out."""
    if not launch.shards(Place.here(launch)):
        return
    what = next(_hindrances(plan, launch), None)
    if what:
        raise RunError(
            f"`--strategy fsdp` cannot shard a run with {what}",
            exit=Exit.USAGE,
            help="leave --strategy out: every process then holds the whole model",
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
    if experiment.train.weight_noise:
        yield "`train.weight_noise`, which each process draws for all weights"
    if experiment.train.quantize:
        yield "`train.quantize`, which rounds weights as a whole"
    if launch.compile:
        yield "`--compile`"
