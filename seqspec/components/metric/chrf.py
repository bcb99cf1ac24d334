"""chrF, by sacreBLEU."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from seqspec.components.metric._sacrebleu import Scored, example_statistics, open_scorer, score_of_counts
from seqspec.schema.metric.chrf import ChrfConfig

if TYPE_CHECKING:
    from seqspec.schema.types import Type


class Chrf:
    """Corpus score, 0 to 100."""

    reads = "text"
    better = "higher"

    def __init__(self, config: ChrfConfig, takes: Mapping[str, Type], parts: Any = None) -> None:
        self._scored = Scored()
        self._opened: Any = None
        self._options = dict(
            char_order=config.char_order,
            word_order=config.word_order,
            beta=config.beta,
            lowercase=config.lowercase,
            whitespace=config.whitespace,
        )

    def update(self, hypothesis: str, reference: str) -> None:
        """Keep one pair."""
        self._scored.add(hypothesis, reference)

    def compute(self) -> dict[str, float]:
        """``chrf``, 0 without examples."""
        return {"chrf": self._scored.score(self._scorer())}

    def statistics(self, hypotheses: Sequence[str], references: Sequence[str]) -> list[list[float]]:
        """What sacreBLEU counts in each example."""
        return example_statistics(self._scorer(), hypotheses, references)

    def score_of(self, sums: Sequence[float]) -> float:
        """``chrf`` of summed counts."""
        return score_of_counts(self._scorer(), sums)

    def signature(self) -> str:
        """SacreBLEU's own."""
        return self._scored.signature(self._scorer())

    def _scorer(self) -> Any:
        if self._opened is None:
            self._opened = open_scorer("CHRF", self._options)
        return self._opened
