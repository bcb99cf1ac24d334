"""Parquet tables."""

from seqspec.schema.table_config import TableConfig


class ParquetConfig(TableConfig):
    """Read Parquet files by row groups (needs extra ``parquet``); ``a.b`` is the field ``b`` of the struct
    ``a``.
    """
