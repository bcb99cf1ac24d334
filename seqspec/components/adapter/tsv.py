"""Reader of tab-separated tables."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from seqspec.components.adapter._delimited import columns_of, header_names, read_tsv
from seqspec.components.adapter._table import (
    synthetic_rows,
    table_audio,
    table_files,
    table_records,
    table_splits,
)
from seqspec.components.adapter._write import write_lines
from seqspec.data.adapter import Adapter
from seqspec.data.audio import AudioReader
from seqspec.data.record import BadRow, Record
from seqspec.schema.adapter.tsv import TsvConfig


class Tsv(Adapter[TsvConfig]):
    """A row a line; a tab is always a boundary and a quotation mark never is."""

    def splits(self) -> tuple[str, ...]:
        return table_splits(self.config)

    def audio(self) -> AudioReader | None:
        return table_audio(self.config, self.corpus)

    def files(self, split: str) -> Iterator[Path]:
        yield from table_files(self, split)

    def examples(self, split: str) -> Iterator[Record | BadRow]:
        for path in table_files(self, split):
            rows = read_tsv(
                path, header=self.config.header, needed=columns_of(self.config), corpus=self.corpus
            )
            yield from table_records(self, path, rows)

    def write_synthetic(self, folder: Path, *, count: int, seed: int) -> None:
        for path, rows in synthetic_rows(self.config, folder, count=count, seed=seed):
            names = header_names(self.config)
            head = ["\t".join(map(str, names))] if self.config.header else []
            write_lines(path, head + ["\t".join(row.get(name, "-") for name in names) for row in rows])
