"""Translation edit rate: Snover et al. (2006), "A Study of Translation Edit Rate with Targeted Human
Annotation", AMTA.

Computed by sacreBLEU, whose signature is kept.  Given as a fraction, where sacreBLEU prints per cent.
"""

from collections.abc import Mapping
from typing import ClassVar

from seqspec.schema.config import Config, Mismatch
from seqspec.schema.languages import UNSPACED, primary
from seqspec.schema.metric._targets import require_text
from seqspec.schema.types import Type


class TerConfig(Config):
    """Edits, shifts of word blocks among them, over the words of the reference."""

    percent: ClassVar[bool] = True

    normalized: bool = False
    """Apply the tokenisation of the original tool."""
    no_punctuation: bool = False
    """Take punctuation out before scoring."""
    asian_support: bool = False
    """Cut Chinese and Japanese into characters; counts only where ``normalized`` is set."""
    case_sensitive: bool = False
    """Heed case."""

    def output(self, source: Mapping[str, Type]) -> Type:
        if self.asian_support and not self.normalized:
            raise Mismatch(
                "`asian_support` counts only where `normalized` is set",
                at=("asian_support",),
                help="set `normalized: true` too, or take `asian_support` out",
            )
        return require_text(source, metric="ter")

    def refuses(self, language: str) -> tuple[str, str] | None:
        """Why the metric makes no sense for a language, and the remedy; ``None`` where it does."""
        if primary(language) not in UNSPACED or (self.asian_support and self.normalized):
            return None
        return (
            f"text in `{language}` has no spaces, so `ter` would count whole sentences as words",
            "set `normalized: true` and `asian_support: true`, or use `chrf`",
        )
