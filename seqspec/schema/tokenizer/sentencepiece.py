"""SentencePiece: Kudo and Richardson (2018), "SentencePiece: A simple and language independent subword
tokenizer and detokenizer for Neural Text Processing", arXiv:1808.06226.

``unigram`` is Kudo (2018), "Subword Regularization", arXiv:1804.10959; ``bpe`` is Sennrich et al. (2016),
"Neural Machine Translation of Rare Words with Subword Units", arXiv:1508.07909.  It differs from the
library's own defaults where those lose text (no normalisation of its own, every white space kept, bytes for
what the training text never showed) and in where unigram training starts (``seeds``).
"""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from seqspec.schema.config import Config, Mismatch
from seqspec.schema.types import Text, Tokens, Type, Unknown
from seqspec.schema.units import Vocabulary

NUM_SPECIAL = 4
NUM_BYTES = 256


class SentencepieceConfig(Config):
    """Trained when data are prepared: one thread, a fixed seed, the same bytes every time."""

    by_piece: ClassVar[bool] = True

    vocab_size: Vocabulary
    """Ids in all: the four special ones and, with byte fallback, 256 bytes are among them."""
    model: Literal["unigram", "bpe"] = "unigram"
    """How pieces are learned."""
    limit: Literal["hard", "soft"] = "hard"
    """``hard``: text too small for ``vocab_size`` pieces is an error.  ``soft``: take as many as there
    are."""
    character_coverage: Annotated[float, Field(ge=0.98, le=1)] = 1.0
    """Share of all characters of the training text that get an id of their own; the rest are bytes, or
    UNK."""
    byte_fallback: bool = True
    """Spell what has no id as UTF-8 bytes, so that no text is ever unknown."""
    normalization: Literal["identity", "nfkc", "nmt_nfkc", "nfkc_cf", "nmt_nfkc_cf"] = "identity"
    """The library's own normalisation, which decoding does not undo; ``identity`` leaves that to
    ``normalize``."""
    prefix_space: bool = True
    """Put a space before the text, so that a word has the same pieces at the beginning as elsewhere."""
    split_digits: bool = False
    """Make every digit a piece of its own."""
    max_piece_length: Annotated[int, Field(ge=1, le=512)] = 16
    """Longest piece, in characters."""
    across_words: bool = False
    """Let a piece run over a space."""
    seeds: Literal["words", "library"] = "words"
    """Where unigram training starts: ``words``, from every substring of a word; ``library``, from its own.

    The library leaves out words that a space always follows, and so spells most words of segmented text by
    their letters.  Text whose lines hold no spaces, and training across words, is the library's in both.
    """
    max_lines: Annotated[int, Field(ge=100, le=1_000_000_000)] = 2_000_000
    """Training lines; of more, as many are drawn at random, with a fixed seed."""

    def output(self, source: Type) -> Tokens:
        if not isinstance(source, Text):
            raise Mismatch(f"a tokenizer takes text, not {source}")
        least = NUM_SPECIAL + NUM_BYTES * self.byte_fallback + 2
        if self.vocab_size < least:
            spent = "the four special ids and 256 bytes" if self.byte_fallback else "the four special ids"
            remedy = "; or set `byte_fallback: false`" if self.byte_fallback else ""
            raise Mismatch(
                f"a vocabulary of {self.vocab_size} has no room for pieces after {spent}",
                at=("vocab_size",),
                help=f"ask for more than {least}, and for more than there are letters in the text{remedy}",
            )
        if self.model == "bpe" and self.seeds != "words":
            raise Mismatch(
                "`seeds` is where unigram training starts, and `bpe` starts from letters",
                at=("seeds",),
                help="take `seeds` out, or set `model: unigram`",
            )
        return Tokens(vocab=self.vocab_size if self.limit == "hard" else Unknown(""))
