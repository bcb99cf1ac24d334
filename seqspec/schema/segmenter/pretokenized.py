"""Text that someone has cut already: words stand between spaces."""

from typing import Annotated

from pydantic import Field

from seqspec.schema.config import Config
from seqspec.schema.segmenter._japanese import require_text
from seqspec.schema.types import Type


class PretokenizedConfig(Config):
    """Cuts at ASCII spaces only, so that a word may be an ideographic space."""

    by: Annotated[str, Field(min_length=1, max_length=100)]
    """The segmenter that cut the corpus, with its dictionary and version, such as ``kytea-0.4.7``: a model
    trained on its words cannot read those of another."""

    def output(self, source: Type) -> Type:
        return require_text(source)
