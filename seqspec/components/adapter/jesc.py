"""Reader of the Japanese-English Subtitle Corpus."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from seqspec.components.adapter._columns import pair_record
from seqspec.components.adapter._synthetic_text import draw, generator, render
from seqspec.components.adapter._write import write_lines
from seqspec.data.corpus.adapter import Adapter, synthetic_count
from seqspec.data.corpus.lines import read_lines
from seqspec.data.corpus.record import BadRow, Record
from seqspec.data.printable import show
from seqspec.schema.adapter.jesc import JescConfig

_SPLITS = ("train", "dev", "test")


class Jesc(Adapter[JescConfig]):
    """Pairs in the order of the lines; English stands first in the file, whichever side the model reads."""

    def splits(self) -> tuple[str, ...]:
        return _SPLITS

    def files(self, split: str) -> Iterator[Path]:
        yield self._file(split)

    def examples(self, split: str) -> Iterator[Record | BadRow]:
        path = self._file(split)
        source, target = (0, 1) if self.config.source_language == "en" else (1, 0)
        for line in read_lines(path, corpus=self.corpus):
            yield pair_record(line, path, name=split, columns=2, source=source, target=target)

    def _file(self, split: str) -> Path:
        path = self.home("split") / split
        if not path.is_file():
            raise self.missing(f"there is no file `{show(path)}`")
        return path

    def write_synthetic(self, folder: Path, *, count: int, seed: int) -> None:
        for split in _SPLITS:
            rng = generator("jesc", seed, split)
            meanings = [draw(rng) for _ in range(synthetic_count(split, count))]
            rows = (f"{render(meaning, 'en')}\t{render(meaning, 'ja').rstrip('。')}" for meaning in meanings)
            write_lines(folder / "split" / split, rows)
