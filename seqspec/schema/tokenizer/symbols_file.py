"""The characters or words that another run has learned; ``characters`` and ``words`` learn their own."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from seqspec.schema.config import Config, Mismatch
from seqspec.schema.environment import Environment
from seqspec.schema.types import Text, Tokens, Type, Unknown


class SymbolsFileConfig(Config):
    """Two runs over one vocabulary, such as a recogniser and a language model that its search listens to."""

    vocabulary_field: ClassVar[str] = "vocabulary"

    vocabulary: Annotated[str, Field(min_length=1, max_length=4096), Environment]
    """Path of what a run with ``characters`` or ``words`` keeps under ``vocabularies/``, a list in JSON; its
    bytes decide the ids.
    """
    unit: Literal["characters", "words"]
    """What a symbol is: a code point, or what stands between spaces."""

    def output(self, source: Type) -> Tokens:
        if not isinstance(source, Text):
            raise Mismatch(f"a tokenizer takes text, not {source}")
        return Tokens(vocab=Unknown(""))
