"""Reader of the Kyoto Free Translation Task."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from seqspec.components.adapter._pairs import read_pairs
from seqspec.components.adapter._synthetic_text import draw, generator, render
from seqspec.components.adapter._write import write_lines
from seqspec.data.corpus.adapter import Adapter, synthetic_count
from seqspec.data.corpus.record import BadRow, Record
from seqspec.data.printable import show
from seqspec.schema.adapter.kftt import KfttConfig

_PARTS = {"train": "train", "dev": "dev", "dev_other": "tune", "test": "test"}


class Kftt(Adapter[KfttConfig]):
    """Pairs in the order of the lines."""

    def splits(self) -> tuple[str, ...]:
        return tuple(_PARTS)

    def files(self, split: str) -> Iterator[Path]:
        yield from self._pair(split)

    def examples(self, split: str) -> Iterator[Record | BadRow]:
        source, target = self._pair(split)
        return read_pairs(source, target, root=self.root, corpus=self.corpus)

    def _pair(self, split: str) -> tuple[Path, Path]:
        home = self.home("kftt-data-1.0")
        pair = home / self._name(split, self.config.source_language), home / self._name(split, self._target())
        for path in pair:
            if not path.is_file():
                raise self.missing(f"there is no file `{show(path)}`")
        return pair

    def _target(self) -> str:
        return "en" if self.config.source_language == "ja" else "ja"

    def _name(self, split: str, language: str) -> str:
        clean = ".cln" if split == "train" and self.config.max_words == "40" else ""
        return f"data/{self.config.version}/kyoto-{_PARTS[split]}{clean}.{language}"

    def write_synthetic(self, folder: Path, *, count: int, seed: int) -> None:
        for split in _PARTS:
            rng = generator("kftt", seed, split)
            meanings = [draw(rng) for _ in range(synthetic_count(split, count))]
            for language in ("ja", "en"):
                lines = (render(meaning, language) for meaning in meanings)
                write_lines(folder / "kftt-data-1.0" / self._name(split, language), lines)
