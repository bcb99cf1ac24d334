"""Reader of labelled pairs of sentences."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from seqspec.components.adapter._cells import BadCell, cell_label, cell_text
from seqspec.components.adapter._delimited import read_tsv
from seqspec.components.adapter._synthetic_text import draw, generator, render
from seqspec.components.adapter._table import Row, json_row
from seqspec.components.adapter._write import concrete, write_lines
from seqspec.data.corpus.adapter import Adapter, synthetic_count
from seqspec.data.corpus.lines import read_lines
from seqspec.data.corpus.record import BadRow, Record
from seqspec.schema.adapter._adapter import ordered, patterns
from seqspec.schema.adapter.sentence_pairs import SentencePairsConfig

_JSON = (".json", ".jsonl")


class SentencePairs(Adapter[SentencePairsConfig]):
    """Pairs in the order of files and rows."""

    def splits(self) -> tuple[str, ...]:
        return ordered(self.config.splits)

    def files(self, split: str) -> Iterator[Path]:
        yield from self.found(patterns(self.config.splits[split]), split)

    def examples(self, split: str) -> Iterator[Record | BadRow]:
        for path in self.files(split):
            name = path.relative_to(self.root).as_posix()
            for row in self._rows(path):
                record = self._record(row, f"{name}:{row.number}", path)
                if record is not None:
                    yield record

    def _rows(self, path: Path) -> Iterator[Row]:
        if path.suffix in _JSON:
            lines = read_lines(path, corpus=self.corpus)
            return (json_row(line) for line in lines if line.fault or line.text.strip())
        needed = (self.config.first, self.config.second, self.config.label)
        return read_tsv(path, header=True, needed=needed, corpus=self.corpus)

    def _record(self, row: Row, name: str, path: Path) -> Record | BadRow | None:
        try:
            if row.fault:
                raise BadCell(row.fault)
            label = cell_label(row.cells, self.config.label)
            if label == self.config.unlabelled:
                return None
            sides = cell_text(row.cells, self.config.first), cell_text(row.cells, self.config.second)
        except BadCell as error:
            return BadRow(name, str(error), str(path), row.number, row.byte)
        source = self.config.separator.join(side.strip() for side in sides)
        return {"id": name, "source": source, "target": label, "file": str(path), "row": row.number}

    def write_synthetic(self, folder: Path, *, count: int, seed: int) -> None:
        """The second sentence says the same as the first, or something with another verb."""
        first, second, label = (
            str(name) for name in (self.config.first, self.config.second, self.config.label)
        )
        for split in self.splits():
            for pattern in patterns(self.config.splits[split]):
                path = folder / concrete(pattern)
                rng = generator("sentence_pairs", seed, split, pattern)
                rows = []
                for index in range(synthetic_count(split, count)):
                    one = draw(rng)
                    other = one._replace(time=-1) if index % 2 else one._replace(verb=(one.verb + 1) % 8)
                    sides = (render(meaning, self.config.language) for meaning in (one, other))
                    rows.append((*sides, "same" if index % 2 else "different"))
                if path.suffix in _JSON:
                    names = (first, second, label)
                    write_lines(
                        path,
                        (json.dumps(dict(zip(names, row, strict=True)), ensure_ascii=False) for row in rows),
                    )
                else:
                    write_lines(path, ["\t".join((first, second, label)), *map("\t".join, rows)])
