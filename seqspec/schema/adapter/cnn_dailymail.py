"""CNN/DailyMail: Hermann et al. (2015), arXiv:1506.03340; as summaries, See et al. (2017), "Get To The
Point", arXiv:1704.04368.
"""

from typing import Annotated

from pydantic import Field

from seqspec.schema.adapter._adapter import AdapterConfig
from seqspec.schema.types import Text, Type


class CnnDailymailConfig(AdapterConfig):
    """Read articles and their highlights: ``cnn/stories/*.story``, ``dailymail/stories/*.story`` and
    ``url_lists/all_*.txt``.

    A story is named by the SHA-1 of its address; the lists of addresses are the splits.
    """

    end_sentences: bool = True
    """Put a full stop after paragraphs that end without any, as See et al. do."""
    separator: Annotated[str, Field(max_length=20)] = " "
    """What stands between paragraphs of the article and between highlights."""

    def roles(self) -> dict[str, Type]:
        return {"source": Text("en"), "target": Text("en")}
