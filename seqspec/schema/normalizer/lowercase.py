"""Every letter in lower case, by Unicode's full case mapping."""

from seqspec.schema.config import Config


class LowercaseConfig(Config):
    """No settings."""
