"""Reader of WikiText."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from seqspec.components.adapter._synthetic_text import generator, sentence
from seqspec.components.adapter._write import write_lines
from seqspec.data.corpus.adapter import Adapter, synthetic_count
from seqspec.data.corpus.lines import read_lines
from seqspec.data.corpus.record import BadRow, Record
from seqspec.schema.adapter.wikitext import WikitextConfig

_PARTS = {"train": "train", "dev": "valid", "test": "test"}


class Wikitext(Adapter[WikitextConfig]):
    """One record a paragraph, without the blanks at its ends; empty lines are passed over."""

    def splits(self) -> tuple[str, ...]:
        return tuple(_PARTS)

    def files(self, split: str) -> Iterator[Path]:
        yield from self.found((f"wiki.{_PARTS[split]}.{self.config.version}",), split)

    def examples(self, split: str) -> Iterator[Record | BadRow]:
        path = next(self.files(split))
        for line in read_lines(path, corpus=self.corpus):
            text = line.text.strip()
            if line.fault:
                yield BadRow(f"{path.name}:{line.row}", line.fault, str(path), line.row, line.byte)
            elif text and (self.config.headings or not (text.startswith("= ") and text.endswith(" ="))):
                yield {"id": f"{path.name}:{line.row}", "target": text, "file": str(path), "row": line.row}

    def write_synthetic(self, folder: Path, *, count: int, seed: int) -> None:
        for split, part in _PARTS.items():
            rng = generator("wikitext", seed, split)
            lines = [" ", " = Synthetic = ", " "]
            lines += [
                f" {sentence(rng, 'en').replace('kind', '<unk>')} "
                for _ in range(synthetic_count(split, count))
            ]
            write_lines(folder / f"wiki.{part}.{self.config.version}", lines)
