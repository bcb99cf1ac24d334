"""Tab-separated text: a row a line, a tab between columns, and nothing else has a meaning (no quotes, no
escapes).
"""

from __future__ import annotations

from seqspec.schema.table_config import TableConfig


class TsvConfig(TableConfig):
    """Read tab-separated tables; quotation marks are ordinary characters."""

    header: bool = True
    """The first row names the columns; without it, columns are numbers from 1."""
