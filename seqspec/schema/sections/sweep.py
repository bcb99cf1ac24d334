"""The section ``sweep`` of a spec: which settings are searched, how, and what makes one better than another.

It stands beside the experiment and is no part of it: no digest, no run and no result depends on it.
"""

from typing import Annotated, Any, Literal

from pydantic import Field

from seqspec.schema.config import Config
from seqspec.schema.sections.sweep_space import KINDS, Dimension, dimension
from seqspec.schema.units import Positive, Seed

SettingPath = Annotated[str, Field(min_length=1, max_length=300)]
Number = int | float
Interval = Annotated[list[Number], Field(min_length=2, max_length=2)]
WholeInterval = Annotated[list[int], Field(min_length=2, max_length=2)]
Choices = Annotated[list[Any], Field(min_length=1, max_length=1000)]
"""Values of any shape: the compiler sees at the corners what fits."""
Method = Literal["tpe", "random", "grid", "sobol", "cmaes"]
Direction = Literal["minimize", "maximize"]


class Range(Config):
    """The values that one setting may take: one of these."""

    uniform: Interval | None = None
    """Numbers between two bounds, evenly."""
    log_uniform: Interval | None = None
    """Numbers between two bounds above 0, evenly in the logarithm."""
    int: WholeInterval | None = None
    """Whole numbers between two bounds, both included."""
    log_int: WholeInterval | None = None
    """Whole numbers between two bounds above 0, evenly in the logarithm."""
    choice: Choices | None = None
    """The values of a list; a value may be a whole section, with ranges of its own inside."""


class Halving(Config):
    """Successive halving: every trial trains to the first rung, and only the best go on, as the very runs
    that they are (Jamieson and Talwalkar 2016, "Non-stochastic Best Arm Identification and Hyperparameter
    Optimization", arXiv:1502.07943).
    """

    rungs: Annotated[list[Positive], Field(min_length=1, max_length=20)]
    """Optimiser steps at which trials are compared, below the run's last step; each is an evaluation."""
    keep: Annotated[int, Field(ge=2, le=100)] = 3
    """One trial in so many goes on from a rung."""


class Repeat(Config):
    """Train the best trials with more seeds before one of them is called the best."""

    best: Annotated[int, Field(ge=1, le=100)] = 3
    """How many of the best trials are repeated."""
    seeds: Annotated[int, Field(ge=2, le=100)] = 3
    """Seeds that each of them is trained with, its own included."""


class Sweep(Config):
    """A search over settings of the experiment; ``seqspec sweep`` carries it out."""

    space: Annotated[dict[SettingPath, Range | Choices], Field(min_length=1)]
    """The settings that are searched, by their path in the spec, each with its range or a list of choices."""
    metric: str | None = None
    """What decides, such as ``bleu`` or ``dev.bleu``; left out, the spec's first metric."""
    direction: Direction | None = None
    """Which way is better; left out, the metric knows."""
    trials: Positive = 20
    """Trials in all; a grid has no more than its points."""
    parallel: Annotated[int, Field(ge=1, le=1000)] = 1
    """Trials that a worker runs at once."""
    sampler: Method = "tpe"
    """How trials are suggested."""
    generation: Annotated[int, Field(ge=2, le=10_000)] | None = None
    """Trials that are suggested before their results are heard; left out, as the sampler is used best."""
    seed: Seed = 1
    """Decides the suggestions."""
    seeds: Annotated[int, Field(ge=1, le=1000)] = 1
    """Runs of each trial, with as many seeds."""
    halving: Halving | None = None
    """Early ends for trials that are worse than others."""
    repeat: Repeat | None = None
    """More seeds for the best trials."""
    budget: Positive | None = None
    """Optimiser steps of all runs together, without repetitions; there are only as many trials as it has
    room for.
    """


def dimension_of(path: str, given: Any) -> Dimension:
    """One setting of ``space``.  Raises ``SpaceError`` where its range is none."""
    if isinstance(given, Range):
        given = {kind: found for kind in KINDS if (found := getattr(given, kind)) is not None}
    return dimension(path, given)
