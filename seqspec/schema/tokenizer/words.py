"""One id for each word that training text holds often enough."""

from typing import Annotated, ClassVar

from pydantic import Field

from seqspec.schema.config import Config, Mismatch
from seqspec.schema.types import Text, Tokens, Type, Unknown
from seqspec.schema.units import Positive, Vocabulary


class WordsConfig(Config):
    """Words are the segmenter's, or else what stands between spaces; the vocabulary is learned from the
    training split.
    """

    by_word: ClassVar[bool] = True

    min_count: Positive = 1
    """Times a word must stand in the training text to get an id; rarer ones become UNK."""
    max_size: Annotated[Vocabulary, Field(ge=5)] | None = None
    """Most ids in all, the four special ones among them; the most frequent words stay."""

    def output(self, source: Type) -> Tokens:
        if not isinstance(source, Text):
            raise Mismatch(f"a tokenizer takes text, not {source}")
        return Tokens(vocab=Unknown(""))
