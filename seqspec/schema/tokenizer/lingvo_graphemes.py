"""The 76 graphemes of Lingvo's LibriSpeech experiment: ASCII letters in one case, digits, punctuation and
markers.

Shen et al. (2019), "Lingvo: a Modular and Scalable Framework for Sequence-to-Sequence Modeling",
arXiv:1902.08295; the symbols are those of its ``AsciiTokenizer``.  Ids differ: here 0 is padding, which takes
the place of Lingvo's ``<epsilon>``, so that special ids are the same for every tokenizer and the size stays
76.
"""

from typing import ClassVar

from seqspec.schema.config import Config, Mismatch
from seqspec.schema.types import Text, Tokens, Type

SIZE = 76


class LingvoGraphemesConfig(Config):
    """Letters are taken in lower case; what is not ASCII becomes UNK."""

    by_letter: ClassVar[bool] = True
    ascii_only: ClassVar[bool] = True
    case_step: ClassVar[str] = "lowercase"

    def output(self, source: Type) -> Tokens:
        if not isinstance(source, Text):
            raise Mismatch(f"a tokenizer takes text, not {source}")
        return Tokens(vocab=SIZE)
