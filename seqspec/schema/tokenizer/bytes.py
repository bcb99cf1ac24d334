"""UTF-8 bytes: 256 ids after the four special ones, and nothing to learn."""

from typing import ClassVar

from seqspec.schema.config import Config, Mismatch
from seqspec.schema.types import Text, Tokens, Type

NUM_SPECIAL = 4


class BytesConfig(Config):
    """Byte b is id b + 4."""

    by_letter: ClassVar[bool] = True

    def output(self, source: Type) -> Tokens:
        if not isinstance(source, Text):
            raise Mismatch(f"a tokenizer takes text, not {source}")
        return Tokens(vocab=256 + NUM_SPECIAL)
