"""Reader of JSON lines."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from seqspec.components.adapter._delimited import columns_of
from seqspec.components.adapter._json_document import refuse_whole_json
from seqspec.components.adapter._table import Row, json_row, nested, synthetic_rows
from seqspec.components.adapter._table_adapter import TableAdapter
from seqspec.components.adapter._write import write_lines
from seqspec.data.corpus.lines import read_lines
from seqspec.schema.adapter.jsonl import JsonlConfig


class Jsonl(TableAdapter[JsonlConfig]):
    """A row an object; blank lines are passed over."""

    def rows(self, path: Path) -> Iterator[Row]:
        first = True
        for line in read_lines(path, corpus=self.corpus):
            if not line.fault and not line.text.strip():
                continue
            if first and not line.fault:
                refuse_whole_json(line.text, path, needed=columns_of(self.config), corpus=self.corpus)
            first = False
            yield json_row(line)

    def write_synthetic(self, folder: Path, *, count: int, seed: int) -> None:
        for path, rows in synthetic_rows(self.config, folder, count=count, seed=seed):
            write_lines(path, (json.dumps(nested(row), ensure_ascii=False) for row in rows))
