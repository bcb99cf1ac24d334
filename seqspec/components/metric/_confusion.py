"""How often each label was predicted for each reference, and what follows from it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Scores:
    """One label against all others; a ratio without a denominator is 0."""

    right: int
    predicted: int
    references: int

    @property
    def precision(self) -> float:
        return self.right / max(self.predicted, 1)

    @property
    def recall(self) -> float:
        return self.right / max(self.references, 1)

    @property
    def f1(self) -> float:
        return 2 * self.right / max(self.predicted + self.references, 1)


class Confusion:
    """Counts of (hypothesis, reference)."""

    def __init__(self) -> None:
        self._pairs: Counter[tuple[str, str]] = Counter()

    def add(self, hypothesis: str, reference: str) -> None:
        """Count one pair."""
        self._pairs[hypothesis, reference] += 1

    def by_label(self) -> dict[str, Scores]:
        """Each label that occurs on either side, in order."""
        predicted: Counter[str] = Counter()
        references: Counter[str] = Counter()
        for (hypothesis, reference), times in self._pairs.items():
            predicted[hypothesis] += times
            references[reference] += times
        return {
            label: Scores(self._pairs[label, label], predicted[label], references[label])
            for label in sorted(predicted | references)
        }

    def average(self, average: str, score: Callable[[Scores], float]) -> float:
        """``macro``, ``micro`` or ``weighted`` by references; 0 without examples."""
        labels = list(self.by_label().values())
        examples = self._pairs.total()
        if average == "micro":
            return score(Scores(sum(one.right for one in labels), examples, examples))
        if average == "macro":
            return sum(map(score, labels)) / max(len(labels), 1)
        return sum(score(one) * one.references for one in labels) / max(examples, 1)

    def correlation(self) -> float:
        """Matthews' coefficient for any number of labels (Gorodkin 2004); 0 where a side has one label."""
        labels = list(self.by_label().values())
        examples = self._pairs.total()
        together = sum(one.right for one in labels) * examples - sum(
            one.predicted * one.references for one in labels
        )
        predicted = examples**2 - sum(one.predicted**2 for one in labels)
        references = examples**2 - sum(one.references**2 for one in labels)
        return together / math.sqrt(predicted * references) if predicted and references else 0.0
