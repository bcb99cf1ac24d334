"""Comma-separated values with quotes, as RFC 4180 describes them."""

from typing import Annotated

from pydantic import Field

from seqspec.schema.adapter._table import TableConfig, require_header
from seqspec.schema.types import Type


class CsvConfig(TableConfig):
    """Read comma-separated tables; a quoted field may hold commas, doubled quotes and line ends."""

    delimiter: Annotated[str, Field(min_length=1, max_length=1)] = ","
    """The character between columns."""
    header: bool = True
    """The first row names the columns; without it, columns are numbers from 1."""

    def roles(self) -> dict[str, Type]:
        require_header(self, self.header)
        return TableConfig.roles(self)
