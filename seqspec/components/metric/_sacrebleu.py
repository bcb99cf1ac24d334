"""What the metrics that sacreBLEU computes have in common."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, ClassVar

from seqspec.schema.diagnostic import DataError


class SacrebleuMetric:
    """Pairs are kept and scored together: corpus scores are no means of sentence scores."""

    reads: ClassVar[str] = "text"
    better: ClassVar[str] = "higher"
    scored_by: ClassVar[str]
    """SacreBLEU's class; the score is told under its name in lower case."""
    percent: ClassVar[bool] = True
    """The score is told as sacreBLEU prints it, from 0 to 100; else as a fraction."""

    def __init__(self, **options: Any) -> None:
        self._options = options
        self._hypotheses: list[str] = []
        self._references: list[str] = []

    def update(self, hypothesis: str, reference: str) -> None:
        """Keep one pair."""
        self._hypotheses.append(hypothesis)
        self._references.append(reference)

    def compute(self) -> dict[str, float]:
        """The corpus score, 0 without examples."""
        score = 0.0
        if self._hypotheses:
            score = self._told(self._scorer.corpus_score(self._hypotheses, [self._references]))
        return {self.scored_by.lower(): score}

    def statistics(self, hypotheses: Sequence[str], references: Sequence[str]) -> list[list[float]]:
        """The counts of each example that the score is computed from; what sacreBLEU resamples itself."""
        found: list[list[float]] = self._scorer._extract_corpus_statistics(hypotheses, [references])
        return found

    def score_of(self, sums: Sequence[float]) -> float:
        """The corpus score of summed counts."""
        return self._told(self._scorer._compute_score_from_stats(list(sums)))

    def signature(self) -> str:
        """SacreBLEU's own, which is complete once something was scored."""
        self._scorer.corpus_score(["a"], [["a"]])
        return str(self._scorer.get_signature())

    def _told(self, found: Any) -> float:
        return float(found.score) if self.percent else float(found.score) / 100

    @cached_property
    def _scorer(self) -> Any:
        return _opened(self.scored_by, self._options)


def _opened(name: str, options: Mapping[str, Any]) -> Any:
    """SacreBLEU's class ``name`` with ``options``.  Raises ``DataError`` where a package of it is missing."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import sacrebleu.metrics

        try:
            return getattr(sacrebleu.metrics, name)(**options)
        except (ImportError, RuntimeError) as error:
            tokenize = options.get("tokenize", "")
            extra = {"ja-mecab": "sacrebleu[ja]", "ko-mecab": "sacrebleu[ko]"}.get(
                str(tokenize), "sentencepiece"
            )
            raise DataError(
                f"sacreBLEU cannot tokenise by `{tokenize}`: {str(error).strip().splitlines()[0]}",
                help=f"pip install '{extra}'",
                code="SQ440",
            ) from None
