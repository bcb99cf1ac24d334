"""chrF, by sacreBLEU."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from seqspec.components.metric._sacrebleu import SacrebleuMetric
from seqspec.schema.metric.chrf import ChrfConfig

if TYPE_CHECKING:
    from seqspec.schema.types import Type


class Chrf(SacrebleuMetric):
    """Corpus score, 0 to 100."""

    scored_by = "CHRF"

    def __init__(self, config: ChrfConfig, takes: Mapping[str, Type], parts: Any = None) -> None:
        super().__init__(
            char_order=config.char_order,
            word_order=config.word_order,
            beta=config.beta,
            lowercase=config.lowercase,
            whitespace=config.whitespace,
        )
