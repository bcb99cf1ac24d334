"""Sudachi: Takaoka et al. (2018), "Sudachi: a Japanese Tokenizer for Business", LREC; through SudachiPy."""

from typing import Annotated, Literal

from pydantic import Field

from seqspec.schema.config import Config
from seqspec.schema.environment import Environment
from seqspec.schema.segmenter._japanese import require_dictionary, require_japanese
from seqspec.schema.types import Type

DICTIONARIES = ("core", "full", "small")
"""Dictionaries that pip installs."""

PartOfSpeech = Annotated[str, Field(min_length=1, max_length=100)]


class SudachiConfig(Config):
    """Words of a Sudachi dictionary.  Text beyond the library's limit of 49,149 bytes is cut before it gets
    there.
    """

    mode: Literal["A", "B", "C"]
    """Length of the units: ``A`` short, ``B`` middle, ``C`` named entities whole.  There is no default:
    関西国際空港 is three words or one."""
    dictionary: Annotated[str, Field(min_length=1, max_length=4096), Environment] = "core"
    """``small``, ``core``, ``full``, or the path of a ``.dic`` file; its bytes are part of the data
    digest."""
    form: Literal["surface", "normalized", "dictionary", "reading"] = "surface"
    """What stands for a word: itself, its normalised spelling, its dictionary form, or its reading in
    katakana."""
    keep: list[PartOfSpeech] = []
    """Parts of speech that stay, such as ``名詞`` or ``名詞-固有名詞``; none named keeps all.
    What is left out is lost to decoding."""
    drop: list[PartOfSpeech] = []
    """Parts of speech that are left out."""

    def output(self, source: Type) -> Type:
        require_dictionary(self.dictionary, known=DICTIONARIES, of="Sudachi")
        return require_japanese(source, segmenter="sudachi")
