"""MeCab: Kudo, Yamamoto and Matsumoto (2004), "Applying Conditional Random Fields to Japanese Morphological
Analysis", EMNLP.

Through fugashi (McCann 2020, "fugashi, a Tool for Tokenizing Japanese in Python", NLP-OSS), by exact
code-point spans.
"""

from typing import Annotated, Literal

from pydantic import Field

from seqspec.schema.config import Config, Mismatch
from seqspec.schema.environment import Environment
from seqspec.schema.segmenter._japanese import require_dictionary, require_japanese
from seqspec.schema.types import Type

DICTIONARIES = ("ipadic", "unidic", "unidic-lite")
"""Dictionaries that pip installs."""

PartOfSpeech = Annotated[str, Field(min_length=1, max_length=100)]
DictionaryPath = Annotated[str, Field(min_length=1, max_length=4096), Environment]


class MecabConfig(Config):
    """Words of a MeCab dictionary.  What MeCab could not hold (NUL, very long text) is cut before it gets
    there.
    """

    dictionary: DictionaryPath
    """``unidic-lite``, ``ipadic``, ``unidic``, or the folder of a compiled dictionary; it decides the words,
    so its bytes are part of the data digest.  There is no default: the choice is the experiment's."""
    user_dictionaries: list[DictionaryPath] = []
    """Compiled user dictionaries, in order; their bytes are part of the data digest too."""
    reading: Literal["kana", "pronunciation"] | None = None
    """Give each word's reading in place of the word: ``kana`` as it is spelt, ``pronunciation`` as it is said
    (は as ワ)."""
    unknown_reading: Literal["surface", "katakana"] | None = None
    """What stands for a word without a reading: itself, or itself with hiragana as katakana; must be said
    with ``reading``."""
    keep: list[PartOfSpeech] = []
    """Parts of speech that stay, such as ``名詞`` or ``名詞-固有名詞``; none named keeps all.
    What is left out is lost to decoding."""
    drop: list[PartOfSpeech] = []
    """Parts of speech that are left out."""

    def output(self, source: Type) -> Type:
        require_dictionary(self.dictionary, known=DICTIONARIES, of="MeCab")
        self._require_reading()
        return require_japanese(source, segmenter="mecab", strict=self.dictionary in DICTIONARIES)

    def _require_reading(self) -> None:
        if self.reading is not None and self.unknown_reading is None:
            raise Mismatch(
                "words that the dictionary does not know have no reading",
                at=("reading",),
                help="say what stands for them: `unknown_reading: katakana` or `unknown_reading: surface`",
            )
        if self.reading is None and self.unknown_reading is not None:
            raise Mismatch(
                "`unknown_reading` counts only with `reading`", at=("unknown_reading",), help="take it out"
            )
