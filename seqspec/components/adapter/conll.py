"""Reader of columns of words and tags."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from seqspec.components.adapter._synthetic_text import draw, generator, word
from seqspec.components.adapter._write import concrete, write_lines
from seqspec.data.corpus.adapter import Adapter, synthetic_count
from seqspec.data.corpus.lines import read_lines
from seqspec.data.corpus.record import BadRow, Record
from seqspec.schema.adapter._adapter import ordered, patterns
from seqspec.schema.adapter.conll import ConllConfig

_NO_WORD = ("-DOCSTART-", "# ")
_NAMES = ("Ada", "Grace Hopper", "Alan", "Noam", "Barbara Liskov", "Edsger", "Donald Knuth", "Kenji")
_PLACES = ("Kyoto", "New York", "Paris", "Osaka", "San Jose", "Berlin")


class Conll(Adapter[ConllConfig]):
    """One record a sentence."""

    def splits(self) -> tuple[str, ...]:
        return ordered(self.config.splits)

    def files(self, split: str) -> Iterator[Path]:
        yield from self.found(patterns(self.config.splits[split]), split)

    def examples(self, split: str) -> Iterator[Record | BadRow]:
        for path in self.files(split):
            yield from self._sentences(path, path.relative_to(self.root).as_posix())

    def records_of(self, path: Path) -> Iterator[Record | BadRow] | None:
        """Columns are as many in every line, and blank lines stand between sentences."""
        if not path.is_file():
            return None
        lines = [line.text for line in islice(read_lines(path), 1000)]
        widths = {len(text.split()) for text in lines if text.strip() and not text.startswith(_NO_WORD)}
        sentences = any(not text.strip() for text in lines[1:-1])
        return (
            self._sentences(path, path.name) if sentences and len(widths) == 1 and min(widths) > 1 else None
        )

    def _sentences(self, path: Path, name: str) -> Iterator[Record | BadRow]:
        held: list[Any] = []
        for line in read_lines(path, corpus=self.corpus):
            if line.fault or (line.text.strip() and not line.text.startswith(_NO_WORD)):
                held.append(line)
            elif not line.text.strip() and held:
                yield self._record(held, name, path)
                held = []
        if held:
            yield self._record(held, name, path)

    def _record(self, lines: Sequence[Any], name: str, path: Path) -> Record | BadRow:
        """A sentence; one bad line makes it a bad row."""
        words, tags = [], []
        first = f"{name}:{lines[0].row}"
        for line in lines:
            cells = line.text.split()
            tag = len(cells) if self.config.tag is None else self.config.tag
            reason = line.fault
            if not reason and len(cells) < max(self.config.word, tag, 2):
                reason = f"{len(cells)} columns, and a word and its tag are expected"
            if reason:
                return BadRow(first, reason, str(path), line.row, line.byte)
            words.append(cells[self.config.word - 1])
            tags.append(cells[tag - 1])
        told = {"id": first, "file": str(path), "row": lines[0].row}
        return {**told, "source": " ".join(words), "target": " ".join(tags)}

    def write_synthetic(self, folder: Path, *, count: int, seed: int) -> None:
        """People and places among the words of a small grammar."""
        for split in ordered(self.config.splits):
            for name in patterns(self.config.splits[split]):
                rng = generator("conll", seed, split, name)
                lines: list[str] = []
                for _ in range(synthetic_count(split, count)):
                    meaning = draw(rng)
                    pairs = [*_named(rng.choice(_NAMES), "PER"), (word(meaning.verb, "verb"), "O")]
                    pairs += [("the", "O"), (word(meaning.thing, "noun"), "O")]
                    if rng.random() < 0.6:
                        pairs += [("in", "O"), *_named(rng.choice(_PLACES), "LOC")]
                    pairs = [(one, tag) for text, tag in pairs for one in text.split()]
                    lines += [*(self._line(*pair) for pair in [*pairs, (".", "O")]), ""]
                write_lines(folder / concrete(name), lines)

    def _line(self, word: str, tag: str) -> str:
        """Columns that nothing reads hold a dash."""
        width = max(self.config.word, self.config.tag or 2, 2)
        cells = ["-"] * width
        cells[self.config.word - 1], cells[(self.config.tag or width) - 1] = word, tag
        return " ".join(cells)


def _named(name: str, kind: str) -> list[tuple[str, str]]:
    return [(one, f"{'I' if index else 'B'}-{kind}") for index, one in enumerate(name.split())]
