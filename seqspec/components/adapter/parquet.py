"""Reader of Parquet tables."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from seqspec.components.adapter._arrow import BATCH_ROWS, arrow_rows, top_columns
from seqspec.components.adapter._delimited import columns_of
from seqspec.components.adapter._table import Row, nested, synthetic_rows
from seqspec.components.adapter._table_adapter import TableAdapter
from seqspec.data.corpus.lines import refuse_other_kind
from seqspec.data.corpus.optional_packages import require
from seqspec.data.printable import show
from seqspec.schema.adapter.parquet import ParquetConfig
from seqspec.schema.diagnostic import DataError


class Parquet(TableAdapter[ParquetConfig]):
    """Only the named columns are read, a batch of rows at a time."""

    def rows(self, path: Path) -> Iterator[Row]:
        return self._rows(path, every=False)

    def all_rows(self, path: Path) -> Iterator[Row]:
        return self._rows(path, every=True)

    def _rows(self, path: Path, *, every: bool) -> Iterator[Row]:
        arrow = require("pyarrow", extra="parquet", corpus=self.corpus)
        parquet = require("pyarrow.parquet", extra="parquet", corpus=self.corpus)
        try:
            with parquet.ParquetFile(path) as file:
                schema = file.schema_arrow
                columns = top_columns(columns_of(self.config), schema.names, path, self.corpus)
                batches = file.iter_batches(BATCH_ROWS, columns=None if every else columns)
                yield from arrow_rows(batches, path, config=self.config, schema=schema)
        except (arrow.ArrowException, OSError) as error:
            refuse_other_kind(path, corpus=self.corpus)
            reason = show(str(error).splitlines()[0])[:200]
            raise DataError(
                f"the file is no sound Parquet: {reason}", corpus=self.corpus, file=show(path)
            ) from None

    def write_synthetic(self, folder: Path, *, count: int, seed: int) -> None:
        arrow = require("pyarrow", extra="parquet", corpus=self.corpus)
        parquet = require("pyarrow.parquet", extra="parquet", corpus=self.corpus)
        for path, rows in synthetic_rows(self.config, folder, count=count, seed=seed):
            path.parent.mkdir(parents=True, exist_ok=True)
            parquet.write_table(
                arrow.Table.from_pylist([nested(row) for row in rows]), path, row_group_size=64
            )
