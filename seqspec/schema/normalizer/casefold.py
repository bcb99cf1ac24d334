"""Unicode case folding: for comparing text without case; unlike lower case, ß becomes ss."""

from typing import ClassVar

from seqspec.schema.config import Config


class CasefoldConfig(Config):
    """No settings."""

    case_step: ClassVar[str] = "casefold"
