"""BLEU, by sacreBLEU."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from seqspec.components.metric._sacrebleu import SacrebleuMetric
from seqspec.schema.metric.bleu import BleuConfig

if TYPE_CHECKING:
    from seqspec.schema.types import Type


class Bleu(SacrebleuMetric):
    """Corpus score, 0 to 100."""

    scored_by = "BLEU"

    def __init__(self, config: BleuConfig, takes: Mapping[str, Type], parts: Any = None) -> None:
        super().__init__(
            tokenize=config.tokenize,
            lowercase=config.lowercase,
            smooth_method=config.smooth,
            max_ngram_order=config.max_order,
            effective_order=config.effective_order,
        )
