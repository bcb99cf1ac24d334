"""The tokenizer of a model folder: its ``tokenizer.json``, by the package ``tokenizers``."""

from typing import Annotated, ClassVar

from pydantic import Field

from seqspec.schema.config import Config, Mismatch
from seqspec.schema.environment import Environment
from seqspec.schema.types import Text, Tokens, Type, Unknown


class HfConfig(Config):
    """Its special pieces become ids 0 to 3, whatever they are in the folder; all others keep their order, and
    the rows of tables that come from the same folder move with them.
    """

    vocabulary_field: ClassVar[str] = "from"
    vocabulary_inside: ClassVar[str] = "tokenizer.json"
    vocabulary_instead: ClassVar[str] = "vocab.txt"

    # ``from`` is a word of Python, so that it cannot be declared as other fields are.
    __annotations__["from"] = Annotated[str, Field(min_length=1, max_length=4096), Environment]
    """Folder with ``tokenizer.json``, or a Japanese BERT's with ``vocab.txt``; the file's bytes are part of
    the tokenizer digest.
    """
    template: bool = False
    """Put around each text what the folder's post-processor puts there, such as ``[CLS]`` and ``[SEP]``."""

    @property
    def folder(self) -> str:
        """The folder, with the names of variables in it."""
        return str(getattr(self, "from"))

    def output(self, source: Type) -> Tokens:
        if not isinstance(source, Text):
            raise Mismatch(f"a tokenizer takes text, not {source}")
        return Tokens(vocab=Unknown(""))
