"""Reader of ``examples.utf``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from seqspec.components.adapter._synthetic_text import draw, generator, render
from seqspec.components.adapter._write import concrete, write_lines
from seqspec.data.corpus.adapter import Adapter
from seqspec.data.corpus.lines import Line, read_lines
from seqspec.data.corpus.record import BadRow, Record
from seqspec.schema.adapter.tanaka import TanakaConfig

# The sentences themselves may hold "#", so the mark of the id is looked for from the right.
_PAIR = re.compile(r"^A: (?P<ja>[^\t]+)\t(?P<en>.+)#ID=(?P<id>[0-9_]+)\s*$")


class Tanaka(Adapter[TanakaConfig]):
    """Pairs in the order of the file; the id is the corpus's own."""

    def splits(self) -> tuple[str, ...]:
        return ("train",)

    def files(self, split: str) -> Iterator[Path]:
        packed = self.root / f"{self.config.file}.gz"
        yield from [packed] if packed.is_file() else self.found((self.config.file,), split)

    def examples(self, split: str) -> Iterator[Record | BadRow]:
        for path in self.files(split):
            for line in read_lines(path, corpus=self.corpus):
                if line.fault or (not line.text.startswith(("B:", "#")) and line.text.strip()):
                    yield self._pair(line, path)

    def _pair(self, line: Line, path: Path) -> Record | BadRow:
        match = None if line.fault else _PAIR.match(line.text)
        if match is None:
            fault = line.fault or "the line is not `A: Japanese<tab>English#ID=…`"
            return BadRow(f"{path.name}:{line.row}", fault, str(path), line.row, line.byte)
        source = self.config.source_language
        target = "en" if source == "ja" else "ja"
        sides = {"source": match[source].strip(), "target": match[target].strip()}
        return {"id": match["id"], **sides, "file": str(path), "row": line.row}

    def write_synthetic(self, folder: Path, *, count: int, seed: int) -> None:
        rng = generator("tanaka", seed)
        rows = []
        for index in range(count):
            meaning = draw(rng)
            japanese = render(meaning, "ja")
            rows.append(f"A: {japanese}\t{render(meaning, 'en')}#ID={index + 1}_{index + 5001}")
            rows.append(f"B: {japanese[0]}(く)[01]{{{japanese[0]}}}")
        write_lines(folder / concrete(self.config.file), rows)
