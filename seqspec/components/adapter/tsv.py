"""Reader of tab-separated tables."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from seqspec.components.adapter._delimited import columns_of, header_names, read_tsv
from seqspec.components.adapter._table import Row, synthetic_rows
from seqspec.components.adapter._table_adapter import TableAdapter
from seqspec.components.adapter._write import write_lines
from seqspec.schema.adapter.tsv import TsvConfig


class Tsv(TableAdapter[TsvConfig]):
    """A row a line; a tab is always a boundary and a quotation mark never is."""

    def rows(self, path: Path) -> Iterator[Row]:
        needed = columns_of(self.config)
        return read_tsv(path, header=self.config.header, needed=needed, corpus=self.corpus)

    def write_synthetic(self, folder: Path, *, count: int, seed: int) -> None:
        for path, rows in synthetic_rows(self.config, folder, count=count, seed=seed):
            names = header_names(self.config)
            head = ["\t".join(map(str, names))] if self.config.header else []
            write_lines(path, head + ["\t".join(row.get(name, "-") for name in names) for row in rows])
