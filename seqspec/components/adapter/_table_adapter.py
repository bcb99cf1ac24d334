"""What the adapters of tables share: splits are files, files have rows, columns play roles."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TypeVar

from seqspec.components.adapter._table import Row, column_audio, named_files, table_records
from seqspec.data.corpus.adapter import Adapter, Listing
from seqspec.data.corpus.audio import AudioReader
from seqspec.data.corpus.record import BadRow, Record
from seqspec.schema.adapter._adapter import ordered, patterns
from seqspec.schema.adapter._table import TableConfig

T = TypeVar("T", bound=TableConfig, covariant=True)


class TableAdapter(Adapter[T]):
    """The splits that the spec maps; their files, one after the other."""

    version = 2
    """2: synthetic recordings say what the target says."""

    @abstractmethod
    def rows(self, path: Path) -> Iterator[Row]:
        """The rows of one file."""

    def all_rows(self, path: Path) -> Iterator[Row]:
        """The same with every column of the file, where the format lets columns be passed over."""
        return self.rows(path)

    def splits(self) -> tuple[str, ...]:
        return ordered(self.config.splits)

    def tables(self, split: str) -> Iterable[Path]:
        """The files that hold the rows of a split."""
        return self.found(patterns(self.config.splits[split]), split)

    def listing(self, split: str) -> Listing:
        tables = list(self.tables(split))
        return Listing(tables, (file for path in tables for file in named_files(self, self.rows(path))))

    def files(self, split: str) -> Iterator[Path]:
        yield from self.listing(split).files()

    def examples(self, split: str) -> Iterator[Record | BadRow]:
        for path in self.tables(split):
            yield from table_records(self, path, self.rows(path))

    def audio(self) -> AudioReader | None:
        readers = (self.audio_of(role) for role in self.config.columns())
        return next((reader for reader in readers if reader is not None), None)

    def audio_of(self, role: str) -> AudioReader | None:
        return column_audio(self.config.columns()[role], self.corpus)
