"""Word error rate: substitutions, deletions and insertions over the words of the reference, after Levenshtein
(1966).

The rate is a fraction and can be above 1.  Errors and words are summed over the whole split before dividing.
"""

from collections.abc import Mapping
from typing import Annotated, ClassVar

from seqspec.schema.config import Config, Flow
from seqspec.schema.languages import UNSPACED, primary
from seqspec.schema.metric._scoring import Punctuation, wire_text
from seqspec.schema.metric._targets import require_text
from seqspec.schema.slot import Slot
from seqspec.schema.types import Type


class WerConfig(Config):
    """Words are the segmenter's, or else what stands between spaces."""

    percent: ClassVar[bool] = True

    normalize: list[Annotated[Config, Slot("normalizer")]] = []
    """Normalisers that hypothesis and reference both go through before they are compared."""
    punctuation: Punctuation = "keep"
    """``strip`` takes punctuation and symbols out of both before they are compared."""
    segment: Annotated[Config | None, Slot("segmenter")] = None
    """Cuts both into words; languages without spaces need one."""

    def wire(self, source: Mapping[str, Type], flow: Flow) -> Type:
        wire_text(self, flow)
        return require_text(source, metric="wer")

    def refuses(self, language: str) -> tuple[str, str] | None:
        """Why the metric makes no sense for a language, and the remedy; ``None`` where it does."""
        if primary(language) not in UNSPACED or self.segment is not None:
            return None
        return (
            f"text in `{language}` has no spaces, so `wer` without a segmenter takes sentences for words",
            "name a segmenter, `{type: wer, segment: {type: mecab, dictionary: unidic-lite}}`, or use `cer`",
        )
