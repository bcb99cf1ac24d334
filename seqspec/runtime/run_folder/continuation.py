"""Going on with a run where something has changed: its corpus has moved, or it is to take more steps.

What a run gives stays a function of its plan alone.  Settings that change no result may be given again when a
run is resumed; more steps only where a run that had been planned for them would have come by the same way.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seqspec.compile.diff.plan_diff import Change, diff
from seqspec.compile.plan.plan import Compiled, Plan
from seqspec.compile.resolve.overlay import Overlay
from seqspec.schema.diagnostic import Exit, RunError
from seqspec.schema.source import Path as Place

MAX_STEPS = ("train", "max_steps")
_PROBES = 20_000
"""Steps at which two schedules are compared: all of them in a run of fewer steps."""

Compile = Callable[[Sequence[Overlay]], Compiled]
"""The run's own spec under overlays."""


@dataclass(frozen=True)
class Continuation:
    """What is asked of a run beyond going on as it was."""

    over: tuple[Overlay, ...] = ()
    """Settings that change no result, such as where the corpus lies."""
    until: int | None = None
    """The last step, in place of the plan's."""

    def __bool__(self) -> bool:
        return bool(self.over) or self.until is not None

    def apply(self, compile: Compile, *, run: Path, done: int) -> Compiled:
        """The plan to go on with from ``done`` steps.  Raises ``RunError`` where the run could not have come
        there by it.
        """
        old, moved = compile(()), compile(self.over)
        _require_same_result(old.plan, moved.plan, run)
        if self.until is None:
            return moved
        longer = compile((*self.over, Overlay.set(f"train.max_steps={self.until}")))
        _require_more(moved.plan, longer.plan, run=run, done=done)
        return longer


AS_IT_WAS = Continuation()
"""Nothing is asked but to go on."""


def _require_same_result(old: Plan, new: Plan, run: Path) -> None:
    changes = _results(old, new)
    if not changes:
        return
    named = ", ".join(f"`{one.label}` ({_shown(one.old)} → {_shown(one.new)})" for one in changes[:5])
    steps = next((one.new for one in changes if one.path == MAX_STEPS), None)
    ways = [f"for more steps: `seqspec run --resume {run} --until {steps}`"] if steps else []
    if len(changes) > bool(steps):
        ways.append(f"for another experiment begin a new run from these weights: {_anew(run)}")
    raise RunError(f"a run goes on with the plan that it began with, and --set would change {named}",
                   exit=Exit.USAGE, help="; ".join(ways))  # fmt: skip


def _require_more(old: Plan, new: Plan, *, run: Path, done: int) -> None:
    before, until = old.experiment.train.max_steps, new.experiment.train.max_steps
    if until <= done:
        why = f"{run} has taken {done:,} steps, and --until {until} is not beyond them"
        raise RunError(why, exit=Exit.USAGE, help=f"name a step after {done:,}")
    apart = getattr(old.experiment.procedure, "apart", lambda: None)()
    if apart is not None and apart.meets_at_end and done == before:
        why = f"all fragments met after its last step, {done:,}, and in a longer run they would not have"
        raise _other_way(why, run, until)
    changes = [one for one in _results(old, new) if one.path != MAX_STEPS]
    elsewhere = [one for one in changes if not _of_schedule(one.path)]
    if elsewhere:
        named = ", ".join(f"`{one.label}`" for one in elsewhere[:5])
        raise _other_way(
            f"{named} follows `train.max_steps`, so the steps so far would have been others", run, until
        )
    for path in old.optimizers:
        rate, longer = (_rate(plan, path) for plan in (old, new))
        _require_same_rates(rate, longer, run=run, done=done, before=before, until=until)


def _of_schedule(path: Place) -> bool:
    """Whether it is a setting of an optimiser's schedule, which is compared by its rates."""
    return path[:2] == ("optimizer", "schedule") or (path[:1] == ("optimizers",) and "schedule" in path)


def _rate(plan: Plan, optimizer: Place) -> Callable[[int], float]:
    """The learning rate of one optimiser of the plan, by the step."""
    config: Any = plan.optimizers[optimizer]
    rate: Callable[[int], float] = config.schedule.rate
    return rate


def _require_same_rates(
    rate: Callable[[int], float],
    longer: Callable[[int], float],
    *,
    run: Path,
    done: int,
    before: int,
    until: int,
) -> None:
    """The steps so far are those of the longer run, and what follows learns something."""
    probes = range(1, done + 1, max(1, done // _PROBES))
    apart = next((step for step in probes if rate(step) != longer(step)), None)
    if apart is not None:
        raise _other_way(
            f"the schedule is shaped by `train.max_steps`: at step {apart:,} the learning rate was "
            f"{rate(apart):.4g}, and in a run of {until:,} steps it would have been {longer(apart):.4g}",
            run,
            until,
        )
    if not any(longer(step) for step in (before + 1, until)):
        raise _other_way(
            f"the learning rate is 0 from step {before + 1:,} on, so that more steps would learn nothing",
            run,
            until,
        )


def require_going(run: Path, *, step: int) -> None:
    """Refuses more steps of a run that ended early because nothing improved."""
    raise RunError(
        f"{run} ended at step {step:,} by `evaluate.stop`, as a run planned for more steps would have",
        exit=Exit.USAGE,
        help=f"begin a new run from these weights without `evaluate.stop`: {_anew(run)}",
    )


def _other_way(why: str, run: Path, until: int) -> RunError:
    return RunError(
        f"{run} cannot go on to step {until:,}: {why}",
        exit=Exit.USAGE,
        help=f"begin a new run from these weights, with a schedule of its own: {_anew(run)}",
    )


def _anew(run: Path) -> str:
    return f"`seqspec run {run / 'spec.yaml'} --set … --set 'initialize=[{{from: {run}}}]'`"


def _results(old: Plan, new: Plan) -> list[Change]:
    """What changes the result, first of all what a person has written."""
    changes = [one for one in diff(old, new) if one.affects == "result"]
    return [one for one in changes if not one.derived] or changes


def _shown(value: object) -> str:
    return "nothing" if value is None else str(value)
