"""Reader of JSON lines."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from seqspec.components.adapter._table import (
    json_row,
    nested,
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
from seqspec.schema.adapter.jsonl import JsonlConfig


class Jsonl(Adapter[JsonlConfig]):
    """A row an object; blank lines are passed over."""

    def splits(self) -> tuple[str, ...]:
        return table_splits(self.config)

    def audio(self) -> AudioReader | None:
        return table_audio(self.config, self.corpus)

    def files(self, split: str) -> Iterator[Path]:
        yield from table_files(self, split)

    def examples(self, split: str) -> Iterator[Record | BadRow]:
        for path in table_files(self, split):
            lines = read_lines(path, corpus=self.corpus)
            yield from table_records(
                self, path, (json_row(line) for line in lines if line.fault or line.text.strip())
            )

    def write_synthetic(self, folder: Path, *, count: int, seed: int) -> None:
        for path, rows in synthetic_rows(self.config, folder, count=count, seed=seed):
            write_lines(path, (json.dumps(nested(row), ensure_ascii=False) for row in rows))
