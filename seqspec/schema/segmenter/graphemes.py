"""Every extended grapheme cluster is a word (Unicode Standard Annex 29): what a reader takes for one
character.
"""

from seqspec.schema.config import Config
from seqspec.schema.segmenter._japanese import require_text
from seqspec.schema.types import Type


class GraphemesConfig(Config):
    """Keeps emoji sequences and letters with combining marks whole."""

    def output(self, source: Type) -> Type:
        return require_text(source)
