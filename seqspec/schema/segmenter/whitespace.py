"""Words are what stands between white space."""

from __future__ import annotations

from seqspec.schema.config import Config, Mismatch
from seqspec.schema.types import Text, Type


class WhitespaceConfig(Config):
    """Cuts at white space; for languages that write spaces, or text that someone has cut already."""

    def output(self, source: Type) -> Type:
        if not isinstance(source, Text):
            raise Mismatch(f"a segmenter cuts text, not {source}")
        return source
