"""BLEU: Papineni et al. (2002), "BLEU: a Method for Automatic Evaluation of Machine Translation", ACL.

Computed by sacreBLEU (Post 2018, "A Call for Clarity in Reporting BLEU Scores", arXiv:1804.08771), whose
signature is kept.  On the field's scale of 0 to 100.
"""

from collections.abc import Mapping
from typing import Literal

from seqspec.schema.config import Config
from seqspec.schema.languages import UNSPACED, primary
from seqspec.schema.metric._targets import require_text
from seqspec.schema.types import Type

_FOR_UNSPACED = frozenset({"char", "ja-mecab", "zh", "ko-mecab", "flores101", "flores200", "none"})


class BleuConfig(Config):
    """Corpus BLEU with one reference."""

    tokenize: Literal[
        "13a", "intl", "char", "ja-mecab", "ko-mecab", "zh", "flores101", "flores200", "none"
    ] = "13a"
    """How the scorer cuts both texts into words; scores under different values cannot be compared."""
    lowercase: bool = False
    """Ignore case."""
    smooth: Literal["exp", "floor", "add-k", "none"] = "exp"
    """What stands in for n-gram orders without a match."""
    max_order: Literal[1, 2, 3, 4, 5, 6] = 4
    """Longest n-gram."""
    effective_order: bool = False
    """Leave out n-gram orders that the text is too short for."""

    def output(self, source: Mapping[str, Type]) -> Type:
        return require_text(source, metric="bleu")

    def refuses(self, language: str) -> tuple[str, str] | None:
        """Why the metric makes no sense for a language, and the remedy; ``None`` where it does."""
        if primary(language) not in UNSPACED or self.tokenize in _FOR_UNSPACED:
            return None
        best = {"ja": "ja-mecab", "zh": "zh"}.get(primary(language), "char")
        return (
            f"BLEU with `tokenize: {self.tokenize}` takes whole sentences in `{language}` for words",
            f"set `tokenize: {best}`" + ("" if best == "char" else " or `char`"),
        )
