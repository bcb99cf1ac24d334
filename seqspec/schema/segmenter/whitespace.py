"""Words are what stands between white space."""

from seqspec.schema.config import Config
from seqspec.schema.segmenter._japanese import require_text
from seqspec.schema.types import Type


class WhitespaceConfig(Config):
    """Cuts at white space of any kind; decoding puts single spaces between words."""

    def output(self, source: Type) -> Type:
        return require_text(source)
