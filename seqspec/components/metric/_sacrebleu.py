"""The bridge to sacreBLEU."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from seqspec.schema.diagnostic import DataError


@dataclass
class Scored:
    """Pairs waiting to be scored together: corpus scores are no means of sentence scores."""

    hypotheses: list[str] = field(default_factory=list)
    references: list[str] = field(default_factory=list)

    def add(self, hypothesis: str, reference: str) -> None:
        """Keep one pair."""
        self.hypotheses.append(hypothesis)
        self.references.append(reference)

    def score(self, scorer: Any) -> float:
        """The corpus score as sacreBLEU prints it; 0 without examples."""
        if not self.hypotheses:
            return 0.0
        return float(scorer.corpus_score(self.hypotheses, [self.references]).score)

    def signature(self, scorer: Any) -> str:
        """SacreBLEU's signature, which is complete once something was scored."""
        scorer.corpus_score(["a"], [["a"]])
        return str(scorer.get_signature())


def example_statistics(
    scorer: Any, hypotheses: Sequence[str], references: Sequence[str]
) -> list[list[float]]:
    """The counts of each example that the corpus score is computed from; what sacreBLEU resamples itself."""
    found: list[list[float]] = scorer._extract_corpus_statistics(hypotheses, [references])
    return found


def score_of_counts(scorer: Any, sums: Sequence[float]) -> float:
    """The corpus score of summed counts."""
    return float(scorer._compute_score_from_stats(list(sums)).score)


def open_scorer(name: str, options: Mapping[str, Any]) -> Any:
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
