"""Every letter in lower case, by Unicode's full case mapping."""

from typing import ClassVar

from seqspec.schema.config import Config


class LowercaseConfig(Config):
    """No settings."""

    case_step: ClassVar[str] = "lowercase"
