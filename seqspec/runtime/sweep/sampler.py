"""Suggestions as a pure function of (settings, trial number, trials of earlier generations).

The sampler is made anew for each trial from the seed and the trial's number, and hears results a whole
generation at a time, so neither a restart, nor the number of workers, nor the order in which trials end
changes what is suggested.  TPE and random search are Optuna's (Akiba et al. 2019, "Optuna: A Next-generation
Hyperparameter Optimization Framework", arXiv:1907.10902); CMA-ES is the library under Optuna's sampler,
replayed from the first generation, because Optuna's own keeps hidden state beside its trials.
"""

from __future__ import annotations

import hashlib
import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from seqspec.schema.sections.sweep import Direction, Method
from seqspec.schema.sections.sweep_space import Dimension, Params, Space, SpaceError, Value

if TYPE_CHECKING:
    import optuna

GENERATION = 4
"""Trials that are suggested without hearing of one another, where nobody says otherwise."""


class Known(NamedTuple):
    """What a suggestion may depend on of an earlier trial."""

    params: Params
    value: float | None
    """``None`` for a trial that failed, or that is of the suggestion's own generation."""
    pending: bool = False


@dataclass(frozen=True)
class Sampler:
    """How trials are suggested."""

    method: Method
    space: Space
    direction: Direction
    seed: int
    generation: int

    @property
    def adaptive(self) -> bool:
        """Whether results change suggestions; the other methods need wait for none."""
        return self.method in ("tpe", "cmaes")

    def first_of_generation(self, number: int) -> int:
        """The first trial of the generation that trial ``number`` belongs to."""
        return number - number % self.generation

    def most_trials(self) -> int | None:
        """How many trials there can be."""
        return self.space.grid_size() if self.method == "grid" else None

    def check(self) -> None:
        """Raises ``SpaceError`` where the method cannot search the space."""
        if self.method == "grid":
            self.space.grid_size()
        for one in self.space.dimensions:
            if self.method == "cmaes" and one.kind == "choice":
                raise SpaceError(
                    f"CMA-ES moves numbers, and `{one.path}` is a choice", help="take the sampler `tpe`"
                )

    def suggest(self, number: int, *, earlier: Sequence[Known]) -> dict[str, Value]:
        """The settings of trial ``number``; ``earlier`` are all trials before it, in order."""
        match self.method:
            case "grid":
                return self.space.grid_point(number)
            case "sobol":
                return self._sobol(number)
            case "cmaes":
                return self._cmaes(number, earlier)
        return self._optuna(number, earlier)

    def _sobol(self, number: int) -> dict[str, Value]:
        from scipy.stats import qmc

        points = qmc.Sobol(len(self._drawable), scramble=True, rng=seed_of(self.seed, 0))
        if number:
            points.fast_forward(number)
        with warnings.catch_warnings():
            # Single points are not balanced; the sequence as a whole is.
            warnings.simplefilter("ignore", UserWarning)
            return self._from_unit(points.random(1)[0].tolist())

    def _cmaes(self, number: int, earlier: Sequence[Known]) -> dict[str, Value]:
        """Hansen (2016), "The CMA Evolution Strategy: A Tutorial", arXiv:1604.00772, in the unit cube."""
        import numpy as np
        from cmaes import CMA

        count = len(self.space.dimensions)
        cube = np.tile([0.0, 1.0], (count, 1))
        search = CMA(np.full(count, 0.5), 0.25, bounds=cube, seed=seed_of(self.seed, 0),
                     population_size=self.generation)  # fmt: skip
        for start in range(0, self.first_of_generation(number), self.generation):
            points = [search.ask() for _ in range(self.generation)]
            losses = self._losses(earlier[start : start + self.generation])
            search.tell(list(zip(points, losses, strict=True)))
        for _ in range(number % self.generation):
            search.ask()
        return self._from_unit(search.ask().tolist())

    def _losses(self, trials: Sequence[Known]) -> list[float]:
        """What CMA-ES makes small; a failed trial is as bad as the worst of its generation."""
        sign = 1 if self.direction == "minimize" else -1
        known = [sign * one.value for one in trials if one.value is not None]
        worst = max(known, default=0.0)
        return [worst if one.value is None else sign * one.value for one in trials]

    @property
    def _drawable(self) -> list[str]:
        return [name for one in self.space.dimensions for name in one.every()]

    def _from_unit(self, positions: Sequence[float]) -> dict[str, Value]:
        places = dict(zip(self._drawable, positions, strict=True))
        return self.space.drawn(lambda name, one: one.at(places[name]))

    def _optuna(self, number: int, earlier: Sequence[Known]) -> dict[str, Value]:
        import optuna

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            seed = seed_of(self.seed, number)
            sampler = (
                optuna.samplers.RandomSampler(seed=seed)
                if self.method == "random"
                else optuna.samplers.TPESampler(
                    seed=seed, multivariate=True, constant_liar=True, group=self.space.conditional
                )
            )
            study = optuna.create_study(sampler=sampler, direction=self.direction)
            study.add_trials(optuna_trials(self.space, earlier))
            trial = study.ask({one.path: _distribution(one) for one in self.space.dimensions})
            return self.space.drawn(partial(_asked, trial))


def seed_of(seed: int, number: int) -> int:
    """32 bits for trial ``number`` of a sweep."""
    return int.from_bytes(hashlib.sha256(f"sweep/{seed}/{number}".encode()).digest()[:4], "big")


def optuna_trials(space: Space, trials: Sequence[Known]) -> list[optuna.trial.FrozenTrial]:
    """Trials as Optuna keeps them."""
    return [_trial(one, space) for one in trials]


def _distribution(one: Dimension) -> optuna.distributions.BaseDistribution:
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if one.kind == "choice":
        # Places in the list: Optuna takes True and 1 for the same choice.
        return CategoricalDistribution(tuple(range(len(one.values))))
    low, high = one.bounds
    if one.whole:
        return IntDistribution(int(low), int(high), log=one.logarithmic)
    return FloatDistribution(low, high, log=one.logarithmic)


def _asked(trial: optuna.trial.Trial, name: str, one: Dimension) -> Any:
    """A number, or the place of a choice; what stands in a choice is suggested after it."""
    if name in trial.params:
        return trial.params[name]
    if one.kind == "choice":
        return trial.suggest_categorical(name, tuple(range(len(one.values))))
    low, high = one.bounds
    if one.whole:
        return trial.suggest_int(name, int(low), int(high), log=one.logarithmic)
    return trial.suggest_float(name, low, high, log=one.logarithmic)


def _trial(known: Known, space: Space) -> optuna.trial.FrozenTrial:
    from optuna.trial import TrialState, create_trial

    state = (
        TrialState.RUNNING
        if known.pending
        else TrialState.FAIL
        if known.value is None
        else TrialState.COMPLETE
    )
    drawn = [found for one in space.dimensions for found in one.draws(known.params[one.path])]
    return create_trial(
        state=state, value=known.value if state is TrialState.COMPLETE else None,
        params={name: value for name, _, value in drawn},
        distributions={name: _distribution(one) for name, one, _ in drawn},
    )  # fmt: skip


def usual_generation(method: Method, *, dimensions: int) -> int:
    """The size of a generation where nobody says: CMA-ES has its own (Hansen 2016, equation 48)."""
    return 4 + math.floor(3 * math.log(dimensions)) if method == "cmaes" else GENERATION
