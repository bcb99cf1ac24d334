"""The section ``evaluate``: how an experiment is evaluated."""

from __future__ import annotations

from typing import Annotated

from seqspec.schema.config import Config
from seqspec.schema.slot import Slot
from seqspec.schema.units import Later, NonNegative, Positive, Split, TaskName


class Stop(Config):
    """Stop before ``max_steps`` when the first metric has not improved."""

    after: Positive = 5
    """Evaluations without improvement that are waited for."""
    min_delta: NonNegative = 0.0
    """Least change that counts as an improvement."""


class Evaluate(Config):
    """How the experiment is evaluated."""

    every_steps: Positive | None = None
    """Period of evaluation while training; none evaluates at the end only."""
    splits: list[Split] = ["dev"]
    """Splits that are evaluated while training and at its end."""
    search: Annotated[Config | None, Slot("search")] = None
    """How hypotheses are found; left out, greedily."""
    metrics: list[Annotated[Config, Slot("metric")]] = []
    """What is measured; the first decides which checkpoint is best."""
    max_examples: Positive | None = None
    """Examples of a split that are decoded while training; the evaluation at the end takes all."""
    stop: Stop | None = None
    """Early stopping; of several tasks with it, the run stops when all of them have stalled."""
    score: Annotated[TaskName | dict[TaskName, NonNegative] | None, Later] = None
    """Of several tasks, whose first metric decides which checkpoint is best: a task's, or a mean with a
    weight a task; left out, the mean of all.
    """
