"""Parquet tables."""

from seqspec.schema.adapter._table import TableConfig


class ParquetConfig(TableConfig):
    """Read Parquet files by row groups (needs extra ``parquet``); ``a.b`` is the field ``b`` of the struct
    ``a``.
    """
