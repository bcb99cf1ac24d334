"""Every code point is a word; white space stands between words."""

from seqspec.schema.config import Config
from seqspec.schema.segmenter._japanese import require_text
from seqspec.schema.types import Type


class CharactersConfig(Config):
    """For languages without spaces, where no dictionary is wanted."""

    def output(self, source: Type) -> Type:
        return require_text(source)
