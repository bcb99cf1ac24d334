"""Columns of words and tags, a word a line: Tjong Kim Sang & De Meulder (2003), "Introduction to the
CoNLL-2003 Shared Task: Language-Independent Named Entity Recognition", CoNLL.
"""

from seqspec.schema.adapter._adapter import AdapterConfig, Language, Splits
from seqspec.schema.config import Mismatch
from seqspec.schema.types import Text, Type, WordStarts
from seqspec.schema.units import Positive


class ConllConfig(AdapterConfig):
    """Read sentences whose words stand one a line, with their tags in another column; a blank line ends a
    sentence.

    The source is the words with a space between, the target their tags alike; ``word_starts`` says at which
    of the source's ids each word begins.  Lines that begin with ``-DOCSTART-`` or ``#`` and a space are no
    words.
    """

    language: Language
    """Language of the words."""
    splits: Splits = {"train": "train.txt", "dev": "dev.txt", "test": "test.txt"}
    """Files of each split, read one after the other."""
    word: Positive = 1
    """Column of the word, from 1."""
    tag: Positive | None = None
    """Column of the tag, from 1; left out, the last."""

    def roles(self) -> dict[str, Type]:
        if self.word == self.tag:
            raise Mismatch(
                f"column {self.word} holds the word and cannot hold the tag", at=("tag",), help="name another"
            )
        language = self.language
        return {"source": Text(language), "target": Text("zxx"), "word_starts": WordStarts("source")}
