"""Unicode normalisation form C: a letter and its combining marks become one code point where there is one.

Unicode Standard Annex 15.  Text from some file systems arrives decomposed, which breaks Japanese words apart
(か + U+3099).
"""

from typing import ClassVar

from seqspec.schema.config import Config


class NfcConfig(Config):
    """NFC."""

    composes: ClassVar[int] = 1
