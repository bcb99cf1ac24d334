"""Translation edit rate, by sacreBLEU."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from seqspec.components.metric._sacrebleu import Scored, example_statistics, open_scorer, score_of_counts
from seqspec.schema.metric.ter import TerConfig

if TYPE_CHECKING:
    from seqspec.schema.types import Type


class Ter:
    """Corpus score; a fraction."""

    reads = "text"
    better = "lower"

    def __init__(self, config: TerConfig, takes: Mapping[str, Type], parts: Any = None) -> None:
        self._scored = Scored()
        self._opened: Any = None
        self._options = dict(
            normalized=config.normalized,
            no_punct=config.no_punctuation,
            asian_support=config.asian_support,
            case_sensitive=config.case_sensitive,
        )

    def update(self, hypothesis: str, reference: str) -> None:
        """Keep one pair."""
        self._scored.add(hypothesis, reference)

    def compute(self) -> dict[str, float]:
        """``ter``, 0 without examples."""
        return {"ter": self._scored.score(self._scorer()) / 100}

    def statistics(self, hypotheses: Sequence[str], references: Sequence[str]) -> list[list[float]]:
        """What sacreBLEU counts in each example."""
        return example_statistics(self._scorer(), hypotheses, references)

    def score_of(self, sums: Sequence[float]) -> float:
        """``ter`` of summed counts."""
        return score_of_counts(self._scorer(), sums) / 100

    def signature(self) -> str:
        """SacreBLEU's own."""
        return self._scored.signature(self._scorer())

    def _scorer(self) -> Any:
        if self._opened is None:
            self._opened = open_scorer("TER", self._options)
        return self._opened
