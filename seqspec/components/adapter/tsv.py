"""Reader of tab-separated tables."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from seqspec.components.adapter._delimited import as_rows, columns_of, header_names
from seqspec.components.adapter._table import (
    Row,
    synthetic_rows,
    table_audio,
    table_files,
    table_records,
    table_splits,
)
from seqspec.components.adapter._write import write_lines
from seqspec.data.adapter import Adapter
from seqspec.data.audio import AudioReader
from seqspec.data.lines import read_lines
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
            yield from table_records(self, path, self._rows(path))

    def _rows(self, path: Path) -> Iterator[Row]:
        split = (
            Row(line.row, {}, line.fault, line.byte) if line.fault else (line.row, line.text.split("\t"))
            for line in read_lines(path, corpus=self.corpus)
            if line.fault or line.text.strip()
        )
        return as_rows(
            split, path, header=self.config.header, needed=columns_of(self.config), corpus=self.corpus
        )

    def write_synthetic(self, folder: Path, *, count: int, seed: int) -> None:
        for path, rows in synthetic_rows(self.config, folder, count=count, seed=seed):
            names = header_names(self.config)
            head = ["\t".join(map(str, names))] if self.config.header else []
            write_lines(path, head + ["\t".join(row.get(name, "-") for name in names) for row in rows])
