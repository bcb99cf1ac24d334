"""ROUGE: Lin (2004), "ROUGE: A Package for Automatic Evaluation of Summaries", ACL workshop.  F1, averaged
over examples.

Reimplemented: words by ``segment`` where one is named, else letters and digits in lower case, as the
rouge-score package does. ROUGE-Lsum takes the union of longest common subsequences over sentences, which
stand on lines of their own.
"""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field

from seqspec.schema.config import Config, Flow
from seqspec.schema.languages import UNSPACED, primary
from seqspec.schema.metric._scoring import wire_text
from seqspec.schema.metric._targets import require_text
from seqspec.schema.slot import Slot
from seqspec.schema.types import Type


class RougeConfig(Config):
    """Overlap of n-grams and of longest common subsequences."""

    variants: Annotated[list[Literal["1", "2", "3", "L", "Lsum"]], Field(min_length=1)] = ["1", "2", "L"]
    """Which are computed; the first is the metric's own value."""
    normalize: list[Annotated[Config, Slot("normalizer")]] = []
    """Normalisers that hypothesis and reference both go through first."""
    segment: Annotated[Config | None, Slot("segmenter")] = None
    """Cuts both into words; languages without spaces need one."""

    def wire(self, source: Mapping[str, Type], flow: Flow) -> Type:
        wire_text(self, flow)
        return require_text(source, metric="rouge")

    def refuses(self, language: str) -> tuple[str, str] | None:
        """Why the metric makes no sense for a language, and the remedy; ``None`` where it does."""
        if primary(language) not in UNSPACED or self.segment is not None:
            return None
        return (
            f"`rouge` without a segmenter drops every letter of `{language}` that is not ASCII",
            "name a segmenter, `{type: rouge, segment: {type: mecab, dictionary: unidic-lite}}`",
        )
