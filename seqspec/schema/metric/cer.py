"""Character error rate: substitutions, deletions and insertions over the characters of the reference, after
Levenshtein (1966).

The same transcripts can score 7.6 % or 0 % depending on width and punctuation, so both are settings here and
stand in the signature.
"""

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

from seqspec.schema.config import Config, Flow
from seqspec.schema.metric._scoring import Punctuation, wire_text
from seqspec.schema.metric._targets import require_text
from seqspec.schema.slot import Slot
from seqspec.schema.types import Type


class CerConfig(Config):
    """Every character counts; white space by ``spaces``."""

    percent: ClassVar[bool] = True

    unit: Literal["code_point", "grapheme"] = "code_point"
    """What one character is: a Unicode code point, or an extended grapheme cluster (what a reader takes for
    one)."""
    normalize: list[Annotated[Config, Slot("normalizer")]] = []
    """Normalisers that hypothesis and reference both go through before they are compared."""
    punctuation: Punctuation = "keep"
    """``strip`` takes punctuation and symbols out of both before they are compared."""
    spaces: Literal["keep", "strip"] = "keep"
    """Whether white space counts as a character."""

    def wire(self, source: Mapping[str, Type], flow: Flow) -> Type:
        wire_text(self, flow)
        return require_text(source, metric="cer")
