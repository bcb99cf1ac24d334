"""chrF: Popović (2015), "chrF: character n-gram F-score for automatic MT evaluation", WMT; chrF++ with word
n-grams (2017).

Computed by sacreBLEU, whose signature is kept.  On the field's scale of 0 to 100.
"""

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from seqspec.schema.config import Config
from seqspec.schema.metric._targets import require_text
from seqspec.schema.types import Type
from seqspec.schema.units import Positive


class ChrfConfig(Config):
    """Corpus chrF; it needs no segmentation, so it suits every language."""

    char_order: Annotated[Positive, Field(le=20)] = 6
    """Longest character n-gram."""
    word_order: Annotated[int, Field(ge=0, le=10)] = 0
    """Longest word n-gram; 2 is chrF++."""
    beta: Annotated[Positive, Field(le=10)] = 2
    """Weight of recall over precision."""
    lowercase: bool = False
    """Ignore case."""
    whitespace: bool = False
    """Count white space in character n-grams."""

    def output(self, source: Mapping[str, Type]) -> Type:
        return require_text(source, metric="chrf")
