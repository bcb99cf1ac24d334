"""WordPiece over a vocabulary file: Schuster and Nakajima (2012), "Japanese and Korean Voice Search", ICASSP.

Each word is cut from its beginning into the longest pieces there are, as in Devlin et al. (2019), "BERT",
arXiv:1810.04805.
"""

from typing import Annotated, ClassVar

from pydantic import Field

from seqspec.schema.config import Config, Mismatch
from seqspec.schema.environment import Environment
from seqspec.schema.types import Text, Tokens, Type, Unknown
from seqspec.schema.units import Positive


class WordpieceConfig(Config):
    """The file's own special entries (``[PAD]``, ``[UNK]``, ``[CLS]``, ``[SEP]``) become ids 0 to 3; all
    others keep their order.
    """

    vocabulary_field: ClassVar[str] = "vocab"
    by_piece: ClassVar[bool] = True

    vocab: Annotated[str, Field(min_length=1, max_length=4096), Environment]
    """Path of the vocabulary: UTF-8, one piece a line; its bytes are part of the tokenizer digest."""
    continuing: Annotated[str, Field(max_length=10)] = "##"
    """What pieces begin with that are not the first of their word."""
    split_punctuation: bool = False
    """Make each punctuation mark and symbol a word of its own, as BERT does before WordPiece."""
    max_word_length: Positive = 100
    """Words of more characters become UNK whole."""

    def output(self, source: Type) -> Tokens:
        if not isinstance(source, Text):
            raise Mismatch(f"a tokenizer takes text, not {source}")
        return Tokens(vocab=Unknown(""))
