"""Phonemes of Japanese text, by Open JTalk through pyopenjtalk-plus.

Readings follow context and change between releases of the library, so its version and its dictionary's bytes
are part of the tokenizer digest; ids are computed once, when data are prepared.
"""

from typing import Annotated, Literal

from seqspec.schema.config import Config, Mismatch
from seqspec.schema.types import Text, Tokens, Type, Unknown
from seqspec.schema.units import Later


class PhonemesConfig(Config):
    """One id for each phoneme of the training text.  Decoding gives phonemes: text cannot be had back from
    them.
    """

    style: Literal["phonemes", "prosody"]
    """``prosody`` adds marks for pitch and phrases: ``^ $`` begin and end, ``[ ]`` rise and fall, ``#``
    phrase, ``_`` pause, ``?`` question (Kurihara et al. 2021, "Prosodic Features Control by Symbols as Input
    of Sequence-to-Sequence Acoustic Modeling for Neural TTS", IEICE)."""
    marks: Annotated[Literal["plus", "espnet"], Later] = "plus"
    """How ``prosody`` is written: as the library's own function does (a pause before the end of a sentence,
    devoiced vowels in capitals), or as ESPnet's ``pyopenjtalk_prosody``, which most Japanese recipes of
    speech synthesis read."""
    reading: Literal["pronunciation", "kana"] = "pronunciation"
    """``pronunciation`` says は as ワ and 経済 as ケーザイ; ``kana`` says what is spelt."""

    def output(self, source: Type) -> Tokens:
        if not isinstance(source, Text):
            raise Mismatch(f"a tokenizer takes text, not {source}")
        if source.language.split("-")[0] not in ("ja", "und"):
            raise Mismatch(f"`phonemes` reads Japanese, and the text here is in `{source.language}`")
        if self.style != "prosody" and self.marks != "plus":
            raise Mismatch(
                f"`marks: {self.marks}` says how prosody is written, and `style` leaves it out",
                at=("marks",),
                help="write `style: prosody`, or take `marks` out",
            )
        return Tokens(vocab=Unknown(""))
