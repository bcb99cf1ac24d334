"""Punctuation taken out, as speech and its error rates want it."""

from typing import Annotated, Literal

from pydantic import Field

from seqspec.schema.config import Config


class PunctuationConfig(Config):
    """Unicode's categories P and, on request, S; ``ー`` and ``々`` are letters and stay."""

    keep: Annotated[str, Field(max_length=200)] = ""
    """Marks that stay, written one after another, such as the apostrophe of English words."""
    symbols: Literal["strip", "keep"] = "keep"
    """Symbols such as ``+``, ``$`` and ``♪`` (category S)."""
    replace_with: Literal["nothing", "space"] = "nothing"
    """What a mark leaves behind."""
