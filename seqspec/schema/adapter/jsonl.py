"""JSON lines: one JSON object a line."""

from seqspec.schema.adapter._table import TableConfig


class JsonlConfig(TableConfig):
    """Read one object a line; a column is a key, and ``a.b`` the key ``b`` of the object under ``a``."""
