"""Unicode case folding: for comparing text without case; unlike lower case, ß becomes ss."""

from seqspec.schema.config import Config


class CasefoldConfig(Config):
    """No settings."""
