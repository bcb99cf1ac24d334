"""Reader of Tatoeba's exports: the sentences of the two languages are held in memory, the links stream
through.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from seqspec.components.adapter._synthetic_text import draw, generator, render
from seqspec.components.adapter._write import write_lines
from seqspec.data.corpus.adapter import Adapter
from seqspec.data.corpus.lines import read_lines
from seqspec.data.corpus.record import BadRow, Record
from seqspec.schema.adapter.tatoeba import TatoebaConfig


class Tatoeba(Adapter[TatoebaConfig]):
    """One record a link from the source language to the target language, in the order of ``links.csv``."""

    def splits(self) -> tuple[str, ...]:
        return ("train",)

    def files(self, split: str) -> Iterator[Path]:
        yield from self.found(("links.csv", "sentences.csv"), split)

    def examples(self, split: str) -> Iterator[Record | BadRow]:
        links, path = self.files(split)
        sources: dict[str, str] = {}
        targets: dict[str, str] = {}
        sides = {self.config.source_code: sources, self.config.target_code: targets}
        for line in read_lines(path, corpus=self.corpus):
            cells = line.text.split("\t")
            if line.fault or len(cells) != 3 or not cells[2].strip():
                reason = line.fault or "the row is not an id, a language and a text"
                yield BadRow(f"{path.name}:{line.row}", reason, str(path), line.row, line.byte)
            elif (side := sides.get(cells[1])) is not None:
                side[cells[0]] = cells[2].strip()
        yield from self._linked(links, sources, targets)

    def _linked(
        self, links: Path, sources: dict[str, str], targets: dict[str, str]
    ) -> Iterator[Record | BadRow]:
        for line in read_lines(links, corpus=self.corpus):
            left, tab, right = line.text.partition("\t")
            if line.fault or not tab:
                reason = line.fault or "the row is not two ids"
                yield BadRow(f"{links.name}:{line.row}", reason, str(links), line.row, line.byte)
            elif left in sources and right in targets:
                place = {"file": str(links), "row": line.row}
                yield {"id": f"{left}-{right}", "source": sources[left], "target": targets[right], **place}

    def write_synthetic(self, folder: Path, *, count: int, seed: int) -> None:
        rng = generator("tatoeba", seed)
        sentences, links = [], []
        for index in range(1, count + 1):
            meaning, left, right = draw(rng), 2 * index, 2 * index + 1
            sentences.append(
                f"{left}\t{self.config.source_code}\t{render(meaning, self.config.source_language)}"
            )
            sentences.append(
                f"{right}\t{self.config.target_code}\t{render(meaning, self.config.target_language)}"
            )
            links += [f"{left}\t{right}", f"{right}\t{left}"]
        write_lines(folder / "sentences.csv", sentences)
        write_lines(folder / "links.csv", links)
