"""A sweep: check the space, then let workers take trials off the study until none is left."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seqspec.compile.pipeline import compile as compile_spec
from seqspec.compile.resolve.resolve import Overlay
from seqspec.runtime.sweep.objective import Objective, objective
from seqspec.runtime.sweep.sampler import Direction, Method, Sampler, usual_generation
from seqspec.runtime.sweep.space import check_corners, parse_space
from seqspec.runtime.sweep.study import Study, Trial
from seqspec.runtime.sweep.trials import Processes, Runs, Stopped
from seqspec.schema.diagnostic import Exit, RunError
from seqspec.schema.sweep import SpaceError

POLL_SECONDS = 0.3
"""How long an idle worker waits before it looks at the study again."""


@dataclass(frozen=True)
class Request:
    """A sweep as the command line asks for it."""

    spec: Path
    profiles: tuple[str, ...]
    sets: tuple[str, ...]
    space: tuple[str, ...]
    trials: int
    parallel: int
    study: Path
    sampler: Method
    metric: str | None
    direction: Direction | None
    seed: int
    seeds: int
    generation: int | None
    threads: int
    device: str

    @property
    def overlays(self) -> tuple[Overlay, ...]:
        return (*map(Overlay.profile, self.profiles), *map(Overlay.set, self.sets))

    @property
    def arguments(self) -> tuple[str, ...]:
        """The spec with its overlays, as ``seqspec run`` takes them."""
        profiles = (part for one in self.profiles for part in ("--profile", one))
        sets = (part for one in self.sets for part in ("--set", one))
        return (str(self.spec), *profiles, *sets)


@dataclass(frozen=True)
class Swept:
    """What a sweep came to."""

    study: Study
    objective: Objective
    trials: tuple[Trial, ...]

    @property
    def best(self) -> Trial | None:
        """The best complete trial, the earlier one of two that are equal."""
        complete = [one for one in self.trials if one.value is not None and one.state == "complete"]
        sign = 1 if self.objective.direction == "minimize" else -1
        return min(complete, key=lambda one: (sign * (one.value or 0.0), one.number), default=None)


def sweep(request: Request, *, tell: Callable[[Trial], None]) -> Swept:
    """Carry out what is left of a sweep; ``tell`` hears of every trial that this worker ends.

    Raises ``SpecError`` or ``RunError`` before anything runs where the space does not fit the spec, and
    ``KeyboardInterrupt`` where the worker is asked to end; the same command then goes on.
    """
    _installed()
    space = parse_space(request.space)
    plan = compile_spec(request.spec, overlays=request.overlays).plan
    aim = objective(plan, metric=request.metric, direction=request.direction)
    generation = request.generation or usual_generation(request.sampler, dimensions=len(space.dimensions))
    sampler = Sampler(request.sampler, space, aim.direction, request.seed, generation)
    _check(sampler)
    check_corners(space, spec=request.spec, over=request.overlays)
    seeds = tuple(plan.experiment.seed + more for more in range(request.seeds))
    study = Study(request.study, _settings(request, sampler, aim, digest=plan.digests["all"]))
    study.start()
    options = ("--quiet", "--threads", str(request.threads), "--device", request.device)
    runs = Runs(study, request.arguments, seeds, aim.split, aim.metric, options, Processes())
    _work(runs, sampler, request, tell)
    return Swept(study, aim, study.trials())


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


def _settings(request: Request, sampler: Sampler, aim: Objective, *, digest: str) -> dict[str, Any]:
    """All that suggestions and results depend on.  How many trials there are and how many run at once may
    change from one command to the next.
    """
    return {
        "version": 1, "experiment": digest, "space": sampler.space.to_json(), "split": aim.split,
        "metric": aim.metric, "direction": aim.direction, "sampler": sampler.method, "seed": sampler.seed,
        "generation": sampler.generation, "seeds": request.seeds, "threads": request.threads,
    }  # fmt: skip


def _work(runs: Runs, sampler: Sampler, request: Request, tell: Callable[[Trial], None]) -> None:
    """``parallel`` threads that each take one trial after another."""
    most = min(request.trials, sampler.most_trials() or request.trials)
    lock = threading.Lock()

    def loop() -> None:
        while not runs.processes.stopped.is_set():
            claimed = runs.study.claim(sampler, most=most)
            if claimed is None:
                if _over(runs.study.trials(), most):
                    return
                runs.processes.stopped.wait(POLL_SECONDS)
                continue
            trial, held = claimed
            with held:
                _unchanged(request, runs.study)
                ended = runs.carry_out(trial, held)
                runs.study.finish(ended)
            with lock:
                tell(ended)

    with _terminable(), ThreadPoolExecutor(request.parallel) as pool:
        futures = [pool.submit(loop) for _ in range(request.parallel)]
        try:
            wait(futures, return_when=FIRST_EXCEPTION)
        finally:
            if any(not one.done() or one.exception() for one in futures):
                runs.processes.stop()
    _raise_first([one.exception() for one in futures])


def _over(trials: Sequence[Trial], most: int) -> bool:
    return len(trials) >= most and all(one.state != "open" for one in trials)


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
