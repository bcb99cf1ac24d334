"""Reader of the Penn Treebank's merged files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from seqspec.components.adapter._brackets import BadTree, Tree, linearised, read_trees, without_traces, words
from seqspec.components.adapter._synthetic_text import Meaning, draw, generator, word
from seqspec.components.adapter._write import write_bytes
from seqspec.data.corpus.adapter import Adapter, synthetic_count
from seqspec.data.corpus.lines import Line, read_lines
from seqspec.data.corpus.record import BadRow, Record
from seqspec.data.printable import show
from seqspec.schema.adapter.penn_treebank import PennTreebankConfig

_SECTIONS = {"train": range(2, 22), "dev": range(22, 23), "test": range(23, 24)}
_FOLDERS = ("treebank_3/parsed/mrg/wsj", "parsed/mrg/wsj", "mrg/wsj", "wsj")


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
            lines = list(read_lines(path, corpus=self.corpus))
            faults = [line for line in lines if line.fault]
            try:
                for number, (rows, tree) in enumerate(read_trees("\n".join(line.text for line in lines)), 1):
                    fault = next((line for line in faults if line.row in rows), None)
                    yield self._record(f"{path.stem}:{number}", tree, path, rows.start, fault)
            except BadTree as error:
                fault = next((line for line in reversed(faults) if line.row <= error.line), None)
                reason, row, byte = (
                    (show(error), error.line, None) if fault is None else (fault.fault, fault.row, fault.byte)
                )
                reason = f"{reason}; the rest of the file is lost"
                yield BadRow(f"{path.stem}:L{error.line}", reason, str(path), row, byte)

    def _record(self, name: str, whole: Tree, path: Path, row: int, fault: Line | None) -> Record | BadRow:
        if fault is not None:
            return BadRow(name, str(fault.fault), str(path), fault.row, fault.byte)
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
