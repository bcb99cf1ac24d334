"""Reader of plain text: by line, or one contiguous text in blocks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from seqspec.components.adapter._contiguous import blocks, count_characters
from seqspec.components.adapter._synthetic_text import generator, sentence
from seqspec.components.adapter._write import concrete, write_lines
from seqspec.data.corpus.adapter import Adapter, synthetic_count
from seqspec.data.corpus.lines import read_lines
from seqspec.data.corpus.record import BadRow, Record
from seqspec.schema.adapter._adapter import ordered, patterns
from seqspec.schema.adapter.lines import LinesConfig


class Lines(Adapter[LinesConfig]):
    """One record a line that holds more than blanks; with ``cut``, records of ``block`` code points that run
    on (``joined``).
    """

    def splits(self) -> tuple[str, ...]:
        return ordered(self.config.cut or self.config.splits)

    def files(self, split: str) -> Iterator[Path]:
        named = "train" if self.config.cut else split
        yield from self.found(patterns(self.config.splits[named]), split)

    def examples(self, split: str) -> Iterator[Record | BadRow]:
        return self._cut(split) if self.config.cut else self._lines(split)

    def _lines(self, split: str) -> Iterator[Record | BadRow]:
        for path in self.files(split):
            name, file = path.relative_to(self.root).as_posix(), str(path)
            for line in read_lines(path, corpus=self.corpus):
                if line.fault:
                    yield BadRow(f"{name}:{line.row}", line.fault, file, line.row, line.byte)
                elif line.text and not line.text.isspace():
                    yield {"id": f"{name}:{line.row}", "target": line.text, "file": file, "row": line.row}

    def _cut(self, split: str) -> Iterator[Record]:
        paths = list(self.files(split))
        total = sum(count_characters(path, corpus=self.corpus) for path in paths)
        start, end = self._bounds(split, total)
        for at, text in blocks(paths, start, end, size=self.config.block, corpus=self.corpus):
            yield {"id": f"{split}:{at}", "target": text, "joined": True, "file": str(paths[0])}

    def _bounds(self, split: str, total: int) -> tuple[int, int]:
        """Code points from and to; each share is rounded down, and the last split takes the rest."""
        cut = self.config.cut or {}
        names = self.splits()
        before = sum(cut[name] for name in names[: names.index(split)])
        through = before + cut[split]
        return int(total * before), total if split == names[-1] else int(total * through)

    def write_synthetic(self, folder: Path, *, count: int, seed: int) -> None:
        for split in ordered(self.config.splits):
            for name in patterns(self.config.splits[split]):
                rng = generator("lines", seed, split, name)
                lines = (sentence(rng, self.config.language) for _ in range(synthetic_count(split, count)))
                write_lines(folder / concrete(name), lines)
