"""A named table of code points: dashes, tildes, quotes and yen signs that look alike."""

from typing import Literal

from seqspec.schema.config import Config


class TableConfig(Config):
    """Each table has a version in its name and never changes; another choice is another name."""

    name: Literal["ja-dashes-1", "ja-tildes-1", "quotes-1", "yen-1"]
    """``ja-dashes-1``: hyphens and minus signs to ``-``, dashes and box lines to ``—``, half-width ``ｰ`` to
    ``ー``, which itself stays.  ``ja-tildes-1``: wave dashes and wide tildes to ``〜``; ASCII ``~`` stays.
    ``quotes-1``: curly and primed quotes to ASCII.  ``yen-1``: ``￥`` to ``¥``; the backslash stays."""
