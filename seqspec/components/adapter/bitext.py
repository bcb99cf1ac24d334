"""Reader of line-aligned files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from seqspec.components.adapter._pairs import read_pairs
from seqspec.components.adapter._synthetic_text import draw, generator, render
from seqspec.components.adapter._write import concrete, write_lines
from seqspec.data.corpus.adapter import Adapter, synthetic_count
from seqspec.data.corpus.record import BadRow, Record
from seqspec.schema.adapter._adapter import ordered, patterns
from seqspec.schema.adapter.bitext import BitextConfig


class Bitext(Adapter[BitextConfig]):
    """Pairs ``source`` and ``target``, in the order of files and lines."""

    def splits(self) -> tuple[str, ...]:
        return ordered(self.config.splits)

    def files(self, split: str) -> Iterator[Path]:
        for pair in self._pairs(split):
            yield from pair

    def examples(self, split: str) -> Iterator[Record | BadRow]:
        for source, target in self._pairs(split):
            yield from read_pairs(source, target, root=self.root, corpus=self.corpus)

    def _pairs(self, split: str) -> list[tuple[Path, Path]]:
        sources = self._side(split, self.config.source_language)
        targets = self._side(split, self.config.target_language)
        if len(sources) != len(targets):
            found = f"{len(sources)} files of the source side and {len(targets)} of the target side match"
            message = f"split `{split}`: {found}"
            raise self.missing(message)
        return list(zip(sources, targets, strict=True))

    def _side(self, split: str, language: str) -> list[Path]:
        names = patterns(self.config.splits[split])
        return [path for name in names for path in self._either(self._name(name, language), split)]

    def _either(self, name: str, split: str) -> list[Path]:
        """The file as it is named, or its compressed form where only that is there."""
        for suffix in ("", ".gz", ".bz2", ".xz"):
            if (self.root / (name + suffix)).is_file():
                return [self.root / (name + suffix)]
        return self.found((name,), split)

    def _name(self, name: str, language: str) -> str:
        return self.config.template.replace("{split}", name).replace("{language}", language)

    def write_synthetic(self, folder: Path, *, count: int, seed: int) -> None:
        for split in self.splits():
            rng = generator("bitext", seed, split)
            meanings = [draw(rng) for _ in range(synthetic_count(split, count))]
            for name in patterns(self.config.splits[split]):
                for language in (self.config.source_language, self.config.target_language):
                    path = folder / concrete(self._name(name, language))
                    write_lines(path, (render(meaning, language) for meaning in meanings))
