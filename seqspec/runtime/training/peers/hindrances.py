"""Which runs can be shared by peers, asked before any data are read, and of the model once it is built."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from seqspec.compile.plan.plan import Plan
from seqspec.runtime.devices.launch import Launch, Place
from seqspec.schema.diagnostic import Exit, RunError

if TYPE_CHECKING:
    from seqspec.runtime.training.training_module import Training


def require_peers(plan: Plan, launch: Launch) -> None:
    """Raises ``RunError`` where ``--peers`` cannot carry the plan out."""
    if launch.peers is None:
        return
    if Place.here(launch).world > 1:
        raise RunError(
            "a peer is one process",
            exit=Exit.USAGE,
            help="leave --devices and --nodes out, and start the command once for each device",
        )
    if plan.experiment.train.accumulate == 1:
        raise RunError(
            "peers share the micro-batches of a step, and this plan has one",
            exit=Exit.USAGE,
            help="set `train.accumulate` to some times as many as there will be peers, such as "
            "`--set train.accumulate=16`; the batch stays as large as it is",
        )
    what = next(_hindrances(plan, launch), None)
    if what:
        raise RunError(f"peers cannot share a run with {what}", exit=Exit.USAGE, help="leave --peers out")


def _hindrances(plan: Plan, launch: Launch) -> Iterator[str]:
    experiment = plan.experiment
    procedure: Any = experiment.procedure
    kind = procedure.component[1]
    if procedure.apart():
        yield f"`procedure: {kind}`, whose replicas each hold a model of their own"
    if procedure.joins:
        yield f"`procedure: {kind}`, which compares the gradients of tasks"
    if not experiment.train.exact:
        yield "`train.exact: false`, in which the same work gives other bits"
    if any(one.experiment.data.lanes is not None for one in plan.each.values()):
        yield "`data.pack.sample: lanes`, whose memories go from one micro-batch to the next"
    if experiment.train.quantize:
        yield "`train.quantize`, which watches every micro-batch"
    if (launch.precision or experiment.train.precision) == "float16":
        yield "float16, whose scale follows every micro-batch (`--precision bfloat16` can)"
    if launch.profile:
        yield "`--profiler`"


def require_shared(module: Training, *, compares: bool) -> None:
    """Raises ``RunError`` where what a step does to the model depends on more than the sum of gradients."""
    watching = [type(part).__name__ for part in module.finishing if getattr(part, "watches", False)]
    if watching:
        raise RunError(
            f"peers cannot share a run whose `{watching[0]}` follows every micro-batch",
            exit=Exit.USAGE,
            help="leave --peers out, or choose a router that is balanced by a loss",
        )
    if compares:
        raise RunError(
            "a loss compares every example of a batch with every other, which peers cannot share",
            exit=Exit.USAGE,
            help="leave --peers out; `train.accumulate` bounds the memory without changing what is compared",
        )
