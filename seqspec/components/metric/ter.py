"""Translation edit rate, by sacreBLEU."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from seqspec.components.metric._sacrebleu import SacrebleuMetric
from seqspec.schema.metric.ter import TerConfig

if TYPE_CHECKING:
    from seqspec.schema.types import Type


class Ter(SacrebleuMetric):
    """Corpus score; a fraction."""

    better = "lower"
    scored_by = "TER"
    percent = False

    def __init__(self, config: TerConfig, takes: Mapping[str, Type], parts: Any = None) -> None:
        super().__init__(
            normalized=config.normalized,
            no_punct=config.no_punctuation,
            asian_support=config.asian_support,
            case_sensitive=config.case_sensitive,
        )
