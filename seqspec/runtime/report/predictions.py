"""Predictions of a run as they lie in its directory: whose they are, and what each line says."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from seqspec.runtime.report.alignment import Pair, by_words, errors
from seqspec.runtime.run_folder.documents import parsed, read_bytes, read_learned
from seqspec.runtime.run_folder.folder import RunFolder
from seqspec.runtime.run_folder.shapes import Keys, fault_of
from seqspec.schema.diagnostic import Exit, RunError


@dataclass(frozen=True)
class Example:
    """One line of a file of predictions."""

    row: int
    """Its place in the split, from 0."""
    id: str
    reference: str
    hypothesis: str
    score: float
    """What hypotheses are ranked by: of a label, its log-probability."""
    source: str | None = None
    speaker: str | None = None
    fields: Mapping[str, str] = field(default_factory=dict)
    """Texts of the example's other fields."""


@dataclass(frozen=True)
class Predictions:
    """What was predicted for a split."""

    name: str
    """The file's name without its ending: a split, or more where it is no evaluation of the run's own."""
    folder: Path
    """Where media of single examples lie; it need not be there."""
    examples: tuple[Example, ...]
    labels: tuple[str, ...] = ()
    """The closed set that is chosen from; none where texts are written."""

    @cached_property
    def words(self) -> bool:
        """Whether texts are compared by words rather than characters."""
        return by_words([one.reference for one in self.examples])

    @cached_property
    def pairs(self) -> tuple[Pair, ...]:
        """Edits of each example."""
        return tuple(errors(one.reference, one.hypothesis, words=self.words) for one in self.examples)

    def worst(self, most: int) -> list[int]:
        """Rows with errors, the worst first: labels by how sure the model was, texts by their rate."""
        if self.labels:
            wrong = [n for n, one in enumerate(self.examples) if one.reference != one.hypothesis]
            return sorted(wrong, key=lambda n: (-self.examples[n].score, n))[:most]
        wrong = [n for n, pair in enumerate(self.pairs) if pair.edits]
        return sorted(wrong, key=lambda n: (-self.pairs[n].rate, -self.pairs[n].edits, n))[:most]

    def random(self, most: int, *, without: frozenset[int] = frozenset()) -> list[int]:
        """Rows spread over the split by a fixed rule, in their order."""
        return sorted(sorted(set(range(len(self.examples))) - without, key=scattered)[:most])

    def media(self, row: int) -> list[Path]:
        """Files of one example: ``000012.source.wav``, ``000012.prediction.png``."""
        return sorted(self.folder.glob(f"{row:06d}.*"))


def scattered(row: int) -> int:
    """Where a row stands in an order that goes to and fro over a split of any size, so that its first few are
    of many speakers or classes where the rows are sorted by these.
    """
    return (row * 2654435761 + 97) % 4294967296


def own_predictions(folder: RunFolder) -> list[Predictions]:
    """Those of the run's own evaluations, one for each split, of several tasks for each of theirs.

    Any other name with a dot says what else was evaluated (``runtime/evaluation/record.py``) and is no split.
    """
    learned = read_learned(folder.path)
    held = learned.labels if learned else {}
    tasks = (folder.read("tasks.json") or {}).get("tasks", {})
    found = []
    for file in sorted(folder.predictions.glob("*.jsonl")):
        task, _, split = file.stem.rpartition(".")
        if not task or (task in tasks and "." not in split):
            labels = held.get(f"tasks.{task}.target" if task else "target", ())
            found.append(read_predictions(file, labels=labels))
    return [one for one in found if one.examples]


def read_predictions(file: Path, *, labels: tuple[str, ...] = ()) -> Predictions:
    """The predictions in ``file``.  Raises ``RunError`` where a line is none."""
    if not file.is_file():
        raise RunError(f"{file} is no regular file", exit=Exit.STORAGE)
    return Predictions(file.stem, media_folder(file), tuple(_examples(file)), labels)


def media_folder(file: Path) -> Path:
    """Where recordings and images of single examples of a file of predictions lie."""
    return file.with_suffix(".media")


def _examples(file: Path) -> Iterator[Example]:
    lines = (line for line in read_bytes(file).split(b"\n") if line)
    for row, line in enumerate(lines):
        found = parsed(line, file, line=row + 1)
        why = fault_of(found, _LINE)
        if why is not None:
            raise RunError(f"{file}:{row + 1} is not a line of predictions: {why}", exit=Exit.STORAGE,
                           help="put the file back from a copy of the run directory")  # fmt: skip
        yield Example(
            row,
            id=str(found.get("id", "")),
            reference=str(found.get("reference", "")),
            hypothesis=str(found.get("hypothesis", "")),
            score=_number(found.get("score")),
            source=_text(found.get("source")),
            speaker=_text(found.get("speaker")),
            fields={str(name): str(text) for name, text in found.get("fields", {}).items()},
        )


_LINE = Keys({"fields": Keys({})})


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) else math.nan


def _text(value: Any) -> str | None:
    return None if value is None else str(value)
