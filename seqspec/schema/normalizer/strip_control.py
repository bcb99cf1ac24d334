"""Control characters and invisible marks taken out: NUL, byte-order marks, zero-width spaces, directions,
lone surrogates.
"""

from typing import Literal

from seqspec.schema.config import Config


class StripControlConfig(Config):
    """Unicode's categories Cc, Cf, Cs and noncharacters; tabs and line breaks stay."""

    joiners: Literal["keep", "strip"] = "keep"
    """Zero-width joiner and non-joiner, which emoji and several scripts are spelt with."""
    soft_hyphen: Literal["keep", "strip"] = "strip"
    """U+00AD, which only shows at the end of a line."""
