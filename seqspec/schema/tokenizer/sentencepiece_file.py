"""A SentencePiece model that was trained elsewhere; ``sentencepiece`` is one that the experiment trains."""

from typing import Annotated, ClassVar

from pydantic import Field

from seqspec.schema.config import Config, Mismatch
from seqspec.schema.environment import Environment
from seqspec.schema.types import Text, Tokens, Type, Unknown


class SentencepieceFileConfig(Config):
    """Its special pieces become ids 0 to 3, whatever they are in the file; all others keep their order."""

    vocabulary_field: ClassVar[str] = "model"

    model: Annotated[str, Field(min_length=1, max_length=4096), Environment]
    """Path of the ``.model`` file; its bytes are part of the tokenizer digest."""

    def output(self, source: Type) -> Tokens:
        if not isinstance(source, Text):
            raise Mismatch(f"a tokenizer takes text, not {source}")
        return Tokens(vocab=Unknown(""))
