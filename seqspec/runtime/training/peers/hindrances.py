"""Which runs can be shared by peers, asked before any data are read, and of the model once it is built."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from seqspec.compile.plan.plan import Plan
from seqspec.runtime.devices.launch import Launch, Place
from seqspec.runtime.training.peers.meeting_place import store_address
from seqspec.schema.diagnostic import Exit, RunError
from seqspec.schema.procedure._procedure import Apart

if TYPE_CHECKING:
    from seqspec.runtime.training.training_module import Training


def require_peers(plan: Plan, launch: Launch) -> None:
    """Raises ``RunError`` where ``--peers`` cannot carry the plan out."""
    if launch.peers is None:
        return
    store_address(launch.peers)
    if Place.here(launch).world > 1:
        raise RunError(
            "a peer is one process",
            exit=Exit.USAGE,
            help="leave --devices and --nodes out, and start the command once for each device",
        )
    apart = plan.experiment.procedure.apart()
    if apart:
        _require_checkpoints_at_meetings(plan, launch, apart)
    elif plan.experiment.train.accumulate == 1:
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
    apart = procedure.apart()
    if apart and apart.overlap:
        yield "`procedure.overlap`, whose messages are under way between two meetings"
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


def _require_checkpoints_at_meetings(plan: Plan, launch: Launch, apart: Apart) -> None:
    """Between two meetings nobody knows how far each replica is."""
    train, evaluate = plan.experiment.train, plan.experiment.evaluate
    asked = {"train.checkpoint_every_steps": train.checkpoint_every_steps}
    stops = any(one.experiment.evaluate.stop is not None for one in plan.each.values())
    if stops and evaluate.every_steps is not None:
        asked["evaluate.every_steps"] = evaluate.every_steps
    for name, period in asked.items():
        steps = range(period, train.max_steps, period)
        if (apart_at := next((step for step in steps if not apart.meets(step)), None)) is not None:
            raise RunError(
                f"`{name}: {period}` may end the run after step {apart_at:,}, where peers do not meet",
                exit=Exit.USAGE,
                help=f"set it to a multiple of `procedure.every`, {apart.every}",
            )
    if launch.pause_at is not None and launch.pause_at < train.max_steps and not apart.meets(launch.pause_at):
        raise RunError(
            f"peers do not meet after step {launch.pause_at:,}",
            exit=Exit.USAGE,
            help=f"pause at a multiple of `procedure.every`, {apart.every}",
        )


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
