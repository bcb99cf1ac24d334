"""Every letter in upper case, by Unicode's full case mapping (ß becomes SS)."""

from typing import ClassVar

from seqspec.schema.config import Config


class UppercaseConfig(Config):
    """No settings."""

    case_step: ClassVar[str] = "uppercase"
