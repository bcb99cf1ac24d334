"""A sweep: check the space, then let workers take trials off the study until none is left."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from seqspec.compile.checks.sweep_rungs import unfit
from seqspec.compile.diff.diff_text import show
from seqspec.compile.diff.plan_diff import diff
from seqspec.compile.pipeline import compile as compile_spec
from seqspec.compile.plan.plan import Plan
from seqspec.compile.resolve.resolve import Overlay
from seqspec.runtime.sweep.objective import Objective, objective
from seqspec.runtime.sweep.sampler import Sampler, usual_generation
from seqspec.runtime.sweep.space import check_corners, parse_space
from seqspec.runtime.sweep.stages import Due, Stages
from seqspec.runtime.sweep.study import Study
from seqspec.runtime.sweep.trial import Trial
from seqspec.runtime.sweep.trials import Processes, Runs, Stopped
from seqspec.schema.diagnostic import Exit, RunError, SpecError
from seqspec.schema.sections.sweep import Sweep
from seqspec.schema.sections.sweep_space import Space, SpaceError

MOST_CHANGES = 3
"""Settings that are named where a study was begun with another spec."""
POLL_SECONDS = 0.3
"""How long an idle worker waits before it looks at the study again."""


@dataclass(frozen=True)
class Request:
    """A sweep as the command line asks for it; what it leaves out is as the spec's ``sweep`` has it."""

    spec: Path
    study: Path
    profiles: tuple[str, ...] = ()
    sets: tuple[str, ...] = ()
    space: tuple[str, ...] = ()
    """Settings and their ranges, over those of the spec."""
    section: Mapping[str, Any] = field(default_factory=dict)
    """Fields of ``Sweep`` that take the place of the spec's."""
    threads: int = 1
    device: str = "auto"

    @property
    def overlays(self) -> tuple[Overlay, ...]:
        return (*map(Overlay.profile, self.profiles), *map(Overlay.set, self.sets))

    @property
    def arguments(self) -> tuple[str, ...]:
        """The spec with its overlays, as ``seqspec run`` takes them."""
        profiles = (part for one in self.profiles for part in ("--profile", one))
        sets = (part for one in self.sets for part in ("--set", one))
        return (str(self.spec), *profiles, *sets)

    def asked(self, plan: Plan) -> Sweep:
        """The whole section; ``space`` may be empty."""
        base = plan.experiment.sweep or Sweep.model_construct(space={})
        return base.model_copy(update={key: it for key, it in self.section.items() if it is not None})


@dataclass(frozen=True)
class Swept:
    """What a sweep came to."""

    study: Study
    objective: Objective
    space: Space
    stages: Stages
    trials: tuple[Trial, ...]

    @property
    def best(self) -> Trial | None:
        """The best complete trial, the earlier one of two that are equal; where the best were repeated, by
        the mean over all their seeds.
        """
        complete = [one for one in self.trials if one.value is not None and one.state == "complete"]
        repeated = [one for one in self.stages.leading(complete) if one.repeats]
        sign = 1 if self.objective.direction == "minimize" else -1
        return min(repeated or complete, key=lambda one: (sign * (one.mean or 0.0), one.number), default=None)


def sweep(request: Request, *, tell: Callable[[Due, Trial, Space], None]) -> Swept:
    """Carry out what is left of a sweep; ``tell`` hears of all that this worker brings further.

    Raises ``SpecError`` or ``RunError`` before anything runs where the space does not fit the spec, and
    ``KeyboardInterrupt`` where the worker is asked to end; the same command then goes on.
    """
    _installed()
    plan = compile_spec(request.spec, overlays=request.overlays).plan
    asked = request.asked(plan)
    space = parse_space(request.space, over=asked.space)
    aim = objective(plan, metric=asked.metric, direction=asked.direction)
    generation = asked.generation or usual_generation(asked.sampler, dimensions=len(space.dimensions))
    sampler = Sampler(asked.sampler, space, aim.direction, asked.seed, generation)
    _check(sampler)
    corners = check_corners(space, spec=request.spec, over=request.overlays)
    stages = stages_of(asked, sampler, corners)
    study = Study(request.study, _settings(request, asked, sampler, aim, stages, digest=plan.digests["all"]))
    study.start(changed=partial(changes_of, plan, {one.path for one in space.dimensions}))
    first = plan.experiment.seed
    more = range(first + asked.seeds, first + (asked.repeat.seeds if asked.repeat else 0))
    runs = Runs(
        study, (*request.arguments, *(("--set", "sweep=null") if plan.experiment.sweep else ())),
        tuple(range(first, first + asked.seeds)), tuple(more), aim.split, aim.metric,
        ("--quiet", "--threads", str(request.threads), "--device", request.device), Processes(),
    )  # fmt: skip
    _work(runs, sampler, stages, request, parallel=asked.parallel, tell=tell)
    return Swept(study, aim, space, stages, stages.told(study.trials()))


def stages_of(asked: Sweep, sampler: Sampler, corners: Sequence[Plan]) -> Stages:
    """The way of each trial, with as many trials as the grid has points and the budget room.

    Raises ``RunError`` for rungs at which a run of some corner could not be compared, and for a budget that
    has no room for one trial.
    """
    halving = asked.halving
    rungs = tuple(halving.rungs) if halving else ()
    for plan in corners:
        if why := unfit(plan, rungs):
            raise RunError(
                why[1], exit=Exit.USAGE, help="move the rung, or leave what moves it out of the space"
            )
    stages = Stages(
        sampler.direction, min(asked.trials, sampler.most_trials() or asked.trials), rungs,
        halving.keep if halving else 3, asked.repeat.best if asked.repeat else 0,
    )  # fmt: skip
    if asked.budget is None:
        return stages
    last = max(plan.experiment.train.max_steps for plan in corners)
    stages = stages.within(asked.budget // asked.seeds, last=last)
    if not stages.trials:
        least = asked.seeds * last
        raise RunError(f"a budget of {asked.budget:,} steps has no room for one trial of {least:,}",
                       exit=Exit.USAGE, help="raise `budget`, or train for fewer steps")  # fmt: skip
    return stages


def _installed() -> None:
    try:
        import cmaes  # noqa: F401
        import optuna  # noqa: F401
        import scipy  # noqa: F401
    except ModuleNotFoundError as error:
        raise RunError(f"`seqspec sweep` needs {error.name}", exit=Exit.USAGE,
                       help="pip install 'seqspec-compiler[sweep]'") from None  # fmt: skip


def _check(sampler: Sampler) -> None:
    try:
        sampler.check()
    except SpaceError as error:
        raise RunError(str(error), exit=Exit.USAGE, help=error.help) from None


def _settings(
    request: Request, asked: Sweep, sampler: Sampler, aim: Objective, stages: Stages, *, digest: str
) -> dict[str, Any]:
    """All that suggestions and results depend on.  How many trials there are and how many run at once may
    change from one command to the next, unless trials are compared on their way.
    """
    halving = {"rungs": list(stages.rungs), "keep": stages.keep, "trials": stages.trials}
    return {
        "version": 1, "experiment": digest, "space": sampler.space.to_json(), "split": aim.split,
        "metric": aim.metric, "direction": aim.direction, "sampler": sampler.method, "seed": sampler.seed,
        "generation": sampler.generation, "seeds": asked.seeds, "threads": request.threads,
        **({"halving": halving} if stages.rungs else {}),
    }  # fmt: skip


def _work(
    runs: Runs,
    sampler: Sampler,
    stages: Stages,
    request: Request,
    *,
    parallel: int,
    tell: Callable[[Due, Trial, Space], None],
) -> None:
    """``parallel`` threads that each bring one trial after another further."""
    lock = threading.Lock()

    def loop() -> None:
        while not runs.processes.stopped.is_set():
            claimed = runs.study.claim(sampler, stages)
            if claimed is None:
                trials = runs.study.trials()
                if len(trials) >= stages.trials and not stages.due(trials):
                    return
                runs.processes.stopped.wait(POLL_SECONDS)
                continue
            due, held = claimed
            with held:
                _unchanged(request, runs.study)
                ended = runs.carry_out(due, held)
                runs.study.record(due, ended)
            with lock:
                tell(due, ended, sampler.space)

    with _terminable(), ThreadPoolExecutor(parallel) as pool:
        futures = [pool.submit(loop) for _ in range(parallel)]
        try:
            wait(futures, return_when=FIRST_EXCEPTION)
        finally:
            if any(not one.done() or one.exception() for one in futures):
                runs.processes.stop()
    _raise_first([one.exception() for one in futures])


def changes_of(plan: Plan, searched: Set[str], run: Path) -> str:
    """What the spec of a trial's run says otherwise than ``plan``, but for the settings that are searched."""
    try:
        changes = diff(compile_spec(run).plan, plan)
    except SpecError:
        return ""
    told = [
        f"`{one.label}` was {show(one.old)} and is {show(one.new)}"
        for one in changes
        if one.kind == "changed" and one.affects == "result" and not one.derived
        and not any(f"{one.label}.".startswith(f"{path}.") for path in (*searched, "seed"))
    ]  # fmt: skip
    return ", ".join(told[:MOST_CHANGES]) + (", …" if len(told) > MOST_CHANGES else "")


def _unchanged(request: Request, study: Study) -> None:
    """Every trial reads the spec anew: it must still be the one that the sweep was begun with."""
    if (
        compile_spec(request.spec, overlays=request.overlays).plan.digests["all"]
        != study.settings["experiment"]
    ):
        raise RunError(f"{request.spec} was changed while the sweep ran", exit=Exit.USAGE,
                       help="restore it and repeat the command, or begin another --study")  # fmt: skip


def _raise_first(errors: Sequence[BaseException | None]) -> None:
    """The error that ended the worker, rather than that its trials were stopped."""
    found = [error for error in errors if error is not None]
    for error in sorted(found, key=lambda one: isinstance(one, Stopped)):
        raise KeyboardInterrupt if isinstance(error, Stopped) else error


@contextmanager
def _terminable() -> Iterator[None]:
    """Take SIGTERM for Ctrl-C: trials write a checkpoint, and the sweep ends."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    usual = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, usual)
