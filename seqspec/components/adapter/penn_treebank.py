"""Reader of the Penn Treebank's merged files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from seqspec.components.adapter._brackets import BadTree, Tree, linearised, read_trees, without_traces, words
from seqspec.components.adapter._synthetic_text import Meaning, draw, generator, word
from seqspec.components.adapter._write import write_bytes
from seqspec.data.corpus.adapter import Adapter, synthetic_count
from seqspec.data.corpus.lines import open_bytes
from seqspec.data.corpus.record import BadRow, Record
from seqspec.data.printable import show
from seqspec.schema.adapter.penn_treebank import PennTreebankConfig

_SECTIONS = {"train": range(2, 22), "dev": range(22, 23), "test": range(23, 24)}
_FOLDERS = ("treebank_3/parsed/mrg/wsj", "parsed/mrg/wsj", "mrg/wsj", "wsj")
_MOST_BYTES = 2**26


class PennTreebank(Adapter[PennTreebankConfig]):
    """Sentences in the order of section, file and place."""

    def splits(self) -> tuple[str, ...]:
        return tuple(_SECTIONS)

    def files(self, split: str) -> Iterator[Path]:
        home = next((self.root / name for name in _FOLDERS if (self.root / name).is_dir()), self.root)
        for section in _SECTIONS[split]:
            paths = sorted((home / f"{section:02d}").glob("[!.]*.mrg"))
            if not paths:
                raise self.missing(
                    f"section {section:02d} has no .mrg files in `{show(home / f'{section:02d}')}`"
                )
            yield from paths

    def examples(self, split: str) -> Iterator[Record | BadRow]:
        for path in self.files(split):
            with open_bytes(path, corpus=self.corpus) as file:
                raw = file.read(_MOST_BYTES)
            try:
                for number, (row, tree) in enumerate(read_trees(raw.decode()), 1):
                    yield self._record(f"{path.stem}:{number}", tree, path, row)
            except BadTree as error:
                yield BadRow(
                    f"{path.stem}:L{error.line}",
                    f"{show(error)}; the rest of the file is lost",
                    str(path),
                    error.line,
                )
            except UnicodeDecodeError as error:
                yield BadRow(path.stem, f"not valid UTF-8 ({error.reason})", str(path), byte=error.start)

    def _record(self, name: str, whole: Tree, path: Path, row: int) -> Record | BadRow:
        tree = without_traces(whole)
        if tree is None:
            return BadRow(name, "the tree holds traces alone", str(path), row)
        target = " ".join(linearised(tree, tags=self.config.tags == "keep"))
        return {"id": name, "source": " ".join(words(tree)), "target": target, "file": str(path), "row": row}

    def write_synthetic(self, folder: Path, *, count: int, seed: int) -> None:
        for split, sections in _SECTIONS.items():
            rng = generator("penn_treebank", seed, split)
            total = max(synthetic_count(split, count), len(sections))
            for index, section in enumerate(sections):
                size = total // len(sections) + (index < total % len(sections))
                trees = (_bracketed(draw(rng)) for _ in range(size))
                write_bytes(
                    folder / "wsj" / f"{section:02d}" / f"wsj_{section:02d}00.mrg", "".join(trees).encode()
                )


def _bracketed(meaning: Meaning) -> str:
    """A tree with the function labels and traces of the real ones."""
    time, verb = (part.split() for part in (word(meaning.time, "time"), word(meaning.verb, "verb")))
    opening = f"(ADVP-TMP {' '.join(f'(RB {w})' for w in time)}) " if time else ""
    subject = _noun_phrase("NP-SBJ", meaning.subject_adjective, meaning.subject)
    thing = _noun_phrase("NP", meaning.thing_adjective, meaning.thing)
    verbs = " ".join(f"({'VBD' if index == 0 else 'IN'} {w})" for index, w in enumerate(verb))
    return f"\n( (S {opening}\n    {subject}\n    (VP {verbs} {thing} (NP (-NONE- *T*-1)) )\n    (. .) ))\n"


def _noun_phrase(label: str, adjective: int, noun: int) -> str:
    modifier = f" (JJ {word(adjective, 'adjective')})" if adjective >= 0 else ""
    return f"({label} (DT the){modifier} (NN {word(noun, 'noun')}))"
