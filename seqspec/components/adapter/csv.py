"""Reader of comma-separated values."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path

from seqspec.components.adapter._delimited import as_rows, columns_of, header_names
from seqspec.components.adapter._table import Row, synthetic_rows
from seqspec.components.adapter._table_adapter import TableAdapter
from seqspec.components.adapter._write import write_bytes
from seqspec.data.corpus.lines import MAX_LINE_BYTES, QUOTING, Line, read_lines
from seqspec.data.printable import show
from seqspec.schema.adapter.csv import CsvConfig
from seqspec.schema.diagnostic import DataError

_READABLE = {"unexpected end of data": "a quote that opens in it is never closed"}
"""What the library says, in words that tell where to look."""


class Csv(TableAdapter[CsvConfig]):
    """Quoted fields may run over several lines; a row's number is that of its first line."""

    def rows(self, path: Path) -> Iterator[Row]:
        return as_rows(
            self._parsed(path),
            path,
            header=self.config.header,
            needed=columns_of(self.config),
            corpus=self.corpus,
            delimiter=self.config.delimiter,
            wider=f"write quotes around each cell that holds `{show(self.config.delimiter)}`",
        )

    def _parsed(self, path: Path) -> Iterator[Row | tuple[int, list[str]]]:
        """A quote that is never closed, or text after a closing quote, leaves no safe place to go on from; a
        line that is not UTF-8 does, for every byte of a quote, a delimiter and a line end is ASCII.
        """
        csv.field_size_limit(MAX_LINE_BYTES)  # the library's own bound is 128 KiB for the whole process
        undecoded: list[Line] = []
        lines = self._texts(path, undecoded)
        reader = csv.reader(lines, delimiter=self.config.delimiter, strict=True)
        start = 1
        while True:
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                message = f"the row that begins here is not CSV: {_READABLE.get(str(error), error)}"
                raise DataError(
                    message, corpus=self.corpus, file=show(path), row=start, help=QUOTING
                ) from None
            if undecoded:
                line = undecoded[0]
                yield Row(line.row, {}, line.fault, line.byte)
                undecoded.clear()
            elif cells:
                yield start, cells
            start = reader.line_num + 1

    def _texts(self, path: Path, undecoded: list[Line]) -> Iterator[str]:
        for line in read_lines(path, corpus=self.corpus):
            if line.fault:
                undecoded.append(line)
            yield line.text + "\n"

    def write_synthetic(self, folder: Path, *, count: int, seed: int) -> None:
        for path, rows in synthetic_rows(self.config, folder, count=count, seed=seed):
            names = header_names(self.config)
            text = io.StringIO()
            writer = csv.writer(text, delimiter=self.config.delimiter, lineterminator="\n")
            writer.writerows([names] if self.config.header else [])
            writer.writerows([row.get(name, "-") for name in names] for row in rows)
            write_bytes(path, text.getvalue().encode())
