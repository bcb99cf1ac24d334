"""What Japanese segmenters share."""

from __future__ import annotations

from seqspec.schema.config import Mismatch
from seqspec.schema.types import Text, Type


def require_text(source: Type) -> Type:
    """A segmenter cuts text and gives text."""
    if not isinstance(source, Text):
        raise Mismatch(f"a segmenter cuts text, not {source}")
    return source


def require_dictionary(named: str, *, known: tuple[str, ...], of: str) -> None:
    """Raises ``Mismatch`` where a dictionary is neither one that pip installs nor written as a path."""
    if named not in known and not any(mark in named for mark in "/\\$."):
        raise Mismatch(
            f"`{named}` is no dictionary of {of} that pip installs, and no path",
            at=("dictionary",),
            help=f"choose among {', '.join(known)}, or write a path: `./{named}`",
        )


def require_japanese(source: Type, *, segmenter: str, strict: bool = True) -> Type:
    """A Japanese dictionary cuts Japanese text; ``und`` is text whose language is not said."""
    text = require_text(source)
    language = getattr(text, "language", "")
    if strict and language.split("-")[0] not in ("ja", "und"):
        raise Mismatch(
            f"`{segmenter}` with a Japanese dictionary cannot cut text in `{language}`",
            help="use `whitespace`, or no segmenter",
        )
    return text
