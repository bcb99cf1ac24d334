"""Reader of the WMT shared task's files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from seqspec.components.adapter._columns import pair_record
from seqspec.components.adapter._pairs import read_pairs
from seqspec.components.adapter._sgm import read_sgm_pairs, sgm_text
from seqspec.components.adapter._synthetic_text import draw, generator, render
from seqspec.components.adapter._write import concrete, write_bytes, write_lines
from seqspec.data.corpus.adapter import Adapter, synthetic_count
from seqspec.data.corpus.lines import read_lines
from seqspec.data.corpus.record import BadRow, Record
from seqspec.data.printable import show
from seqspec.schema.adapter._adapter import ordered, patterns
from seqspec.schema.adapter.wmt import WmtConfig
from seqspec.schema.diagnostic import DataError


class Wmt(Adapter[WmtConfig]):
    """Pairs in the order of the files and their lines or segments."""

    def splits(self) -> tuple[str, ...]:
        return ordered(self.config.splits)

    def files(self, split: str) -> Iterator[Path]:
        for name in self._names(split):
            yield from dict.fromkeys(path for pair in self._pairs(name, split) for path in pair)

    def examples(self, split: str) -> Iterator[Record | BadRow]:
        for name in self._names(split):
            for source, target in self._pairs(name, split):
                if ".sgm" in name:
                    yield from read_sgm_pairs(source, target, root=self.root, corpus=self.corpus)
                elif "{language}" in name:
                    yield from read_pairs(source, target, root=self.root, corpus=self.corpus)
                else:
                    yield from self._columns(source)

    def _names(self, split: str) -> tuple[str, ...]:
        return patterns(self.config.splits[split])

    def _pairs(self, name: str, split: str) -> list[tuple[Path, Path]]:
        """The files of either side; one and the same where both stand in it."""
        sides = []
        for side, language in (("src", self.config.source_language), ("ref", self.config.target_language)):
            filled = name.replace("{side}", side).replace("{language}", language)
            packed = self.root / f"{filled}.gz"
            sides.append([packed] if packed.is_file() else self.found((filled,), split))
        if len(sides[0]) != len(sides[1]):
            found = f"{len(sides[0])} files of the source side and {len(sides[1])} of the target side match"
            raise self.missing(f"split `{split}`: {found} `{show(name)}`")
        return list(zip(*sides, strict=True))

    def _columns(self, path: Path) -> Iterator[Record | BadRow]:
        source, target = self._order(path.name)
        name = path.relative_to(self.root).as_posix()
        for line in read_lines(path, corpus=self.corpus):
            yield pair_record(line, path, name=name, columns=2, source=source, target=target)

    def _order(self, name: str) -> tuple[int, int]:
        pair = self.config.source_language, self.config.target_language
        for match in re.finditer(r"(?=[._]([a-z]{2,3})-([a-z]{2,3})[._])", name):
            if match.groups() == pair:
                return 0, 1
            if match.groups() == pair[::-1]:
                return 1, 0
        message = f"`{show(name)}` does not name the pair of its two columns, such as `.{pair[0]}-{pair[1]}.`"
        raise DataError(
            message,
            corpus=self.corpus,
            file=show(name),
            help="name its form: `NAME.{language}` or a .sgm file",
        )

    def write_synthetic(self, folder: Path, *, count: int, seed: int) -> None:
        for split in self.splits():
            for name in self._names(split):
                rng = generator("wmt", seed, split, name)
                meanings = [draw(rng) for _ in range(synthetic_count(split, count))]
                sides = {
                    language: [render(meaning, language) for meaning in meanings]
                    for language in (self.config.source_language, self.config.target_language)
                }
                self._write(folder, concrete(name), sides)

    def _write(self, folder: Path, name: str, sides: dict[str, list[str]]) -> None:
        if "{language}" not in name:
            order = self._order(name)
            columns = list(sides.values())
            write_lines(folder / name, map("\t".join, zip(columns[order[0]], columns[order[1]], strict=True)))
            return
        for side, (language, lines) in zip(("src", "ref"), sides.items(), strict=True):
            path = folder / name.replace("{side}", side).replace("{language}", language)
            if ".sgm" in name:
                write_bytes(path, sgm_text(lines, side=side, language=language).encode())
            else:
                write_lines(path, lines)
