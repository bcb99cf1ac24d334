"""The paired bootstrap: Koehn (2004), "Statistical Significance Tests for Machine Translation Evaluation",
EMNLP; for word error rates Bisani and Ney (2004), "Bootstrap Estimates for Confidence Intervals in ASR
Performance Evaluation", ICASSP.

Resamples, p-values and their seed are those of sacreBLEU's own test, so that both give the same numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

SEED = 12345
"""SacreBLEU's."""
RESAMPLES = 1000
MOST_UPDATES = 3_000_000
"""Updates of a metric that has no sums, over all resamples; the number of resamples follows."""
FEWEST = 100
"""Resamples below which nothing is said."""

Score = Callable[[np.ndarray], float]

# N examples, K sums of an example, R resamples


@dataclass(frozen=True)
class Resamples:
    """Scores of the same resamples of one metric, for one run."""

    score: float
    scores_R: np.ndarray

    @property
    def interval(self) -> tuple[float, float]:
        """The middle 95 % of the resamples."""
        ordered, cut = np.sort(self.scores_R), len(self.scores_R) // 40
        return float(ordered[cut]), float(ordered[len(ordered) - cut - 1])


def draws(examples: int, resamples: int = RESAMPLES, *, seed: int = SEED) -> Iterator[np.ndarray]:
    """How often each example occurs in each resample, ``[N]``."""
    rng = np.random.default_rng(seed)
    for _ in range(resamples):
        yield np.bincount(rng.choice(examples, size=examples, replace=True), minlength=examples)


def resample(metric: Any, hypotheses: Sequence[str], references: Sequence[str]) -> Resamples | None:
    """The metric over all examples and over each resample; ``None`` where there are too many examples for a
    metric that has no sums.
    """
    if not hypotheses:
        return None
    if hasattr(metric, "statistics"):
        sums_NK = np.asarray(metric.statistics(hypotheses, references), np.float64)
        scores = [metric.score_of(counts @ sums_NK) for counts in draws(len(hypotheses))]
        return Resamples(metric.score_of(sums_NK.sum(axis=0)), np.array(scores))
    return _read_again(metric, hypotheses, references)


def _read_again(metric: Any, hypotheses: Sequence[str], references: Sequence[str]) -> Resamples | None:
    import copy

    resamples = min(RESAMPLES, MOST_UPDATES // len(hypotheses))
    if resamples < FEWEST:
        return None

    def score(counts: np.ndarray) -> float:
        fresh = copy.deepcopy(metric)
        for row in np.repeat(np.arange(len(counts)), counts).tolist():
            fresh.update(hypotheses[row], references[row])
        return float(next(iter(fresh.compute().values())))

    whole = score(np.ones(len(hypotheses), np.int64))
    return Resamples(whole, np.array([score(counts) for counts in draws(len(hypotheses), resamples)]))


def p_value(one: Resamples, other: Resamples) -> float:
    """How likely so large a difference is where both runs are equally good.  At most 1; a run against itself
    has 1.
    """
    if np.array_equal(one.scores_R, other.scores_R):
        return 1.0
    real = abs(one.score - other.score)
    apart = np.abs(other.scores_R - one.scores_R)
    beyond = int(np.sum(apart - apart.mean() > real))
    return (beyond + 1) / (len(apart) + 1)
