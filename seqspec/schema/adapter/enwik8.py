"""enwik8: the first 10^8 bytes of English Wikipedia's dump of 3 March 2006; Mahoney,
mattmahoney.net/dc/text.html.
"""

from seqspec.schema.adapter._adapter import AdapterConfig, Download
from seqspec.schema.types import Text, Type
from seqspec.schema.units import Positive


class Enwik8Config(AdapterConfig):
    """Read the one file ``enwik8`` byte by byte: 90, 5 and 5 million bytes are train, dev and test.

    The cuts fall within characters, so bytes are not decoded: each stands as the code point of its number (0
    to 255).  With the tokenizer ``characters`` a symbol is a byte, and bits per character are the bits per
    byte that the literature reports.
    """

    block: Positive = 16_384
    """Bytes of one record; joined without anything between, the records are the split."""

    def roles(self) -> dict[str, Type]:
        return {"target": Text("en")}

    def downloads(self) -> tuple[Download, ...]:
        return (Download("http://mattmahoney.net/dc/enwik8.zip", "36 MB"),)
