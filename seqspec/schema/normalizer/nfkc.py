"""Unicode normalisation form KC: compatibility forms become plain ones (full width to half width, ligatures
to letters).

Unicode Standard Annex 15.  It changes lengths (``㍿`` becomes ``株式会社``) and is not undone by decoding.
"""

from typing import ClassVar

from seqspec.schema.config import Config


class NfkcConfig(Config):
    """NFKC."""

    composes: ClassVar[int] = 2
