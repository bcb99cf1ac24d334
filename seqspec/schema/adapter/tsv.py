"""Tab-separated text: a row a line, a tab between columns, and nothing else has a meaning (no quotes, no
escapes).
"""

from seqspec.schema.adapter._table import TableConfig, require_header
from seqspec.schema.types import Type


class TsvConfig(TableConfig):
    """Read tab-separated tables; quotation marks are ordinary characters."""

    header: bool = True
    """The first row names the columns; without it, columns are numbers from 1."""

    def roles(self) -> dict[str, Type]:
        require_header(self, self.header)
        return TableConfig.roles(self)
