"""WikiText-2 and WikiText-103: Merity et al. (2017), "Pointer Sentinel Mixture Models", ICLR,
arXiv:1609.07843.
"""

from typing import Literal

from seqspec.schema.adapter._adapter import AdapterConfig
from seqspec.schema.types import Text, Type


class WikitextConfig(AdapterConfig):
    """Read ``wiki.{train,valid,test}.tokens`` or ``.raw``, a paragraph a line; headings (`` = Title = ``) are
    lines as well.
    """

    version: Literal["tokens", "raw"] = "tokens"
    """``tokens``: words with ``<unk>`` and ``@-@``, over which word perplexity is stated; ``raw``: the text
    before that.
    """
    headings: bool = True
    """Keep the lines of headings; published perplexities count them."""

    def roles(self) -> dict[str, Type]:
        return {"target": Text("en")}
