"""BLEU, by sacreBLEU."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from seqspec.components.metric._sacrebleu import Scored, open_scorer
from seqspec.schema.metric.bleu import BleuConfig

if TYPE_CHECKING:
    from seqspec.schema.types import Type


class Bleu:
    """Corpus score, 0 to 100."""

    reads = "text"
    better = "higher"

    def __init__(self, config: BleuConfig, takes: Mapping[str, Type], parts: Any = None) -> None:
        self._scored = Scored()
        self._options = dict(
            tokenize=config.tokenize,
            lowercase=config.lowercase,
            smooth_method=config.smooth,
            max_ngram_order=config.max_order,
            effective_order=config.effective_order,
        )

    def update(self, hypothesis: str, reference: str) -> None:
        """Keep one pair."""
        self._scored.add(hypothesis, reference)

    def compute(self) -> dict[str, float]:
        """``bleu``, 0 without examples."""
        return {"bleu": self._scored.score(self._scorer())}

    def signature(self) -> str:
        """SacreBLEU's own."""
        return self._scored.signature(self._scorer())

    def _scorer(self) -> Any:
        return open_scorer("BLEU", self._options)
