"""ListOps, worked out from (seed, split, index), or read as Long Range Arena publishes it."""

from __future__ import annotations

import hashlib
import random
import re
from collections.abc import Iterator
from pathlib import Path

from seqspec.components.adapter._generated import Generated
from seqspec.components.adapter._synthetic_text import generator
from seqspec.components.adapter._write import write_lines
from seqspec.data.corpus.lines import read_lines
from seqspec.data.corpus.record import BadRow, Record
from seqspec.schema.adapter.listops import ListopsConfig

HEADER = "Source\tTarget"
FILES = {"train": "train", "dev": "val", "test": "test"}
LEAF = 0.75
"""Chance that a node above the greatest depth is a digit."""


class Listops(Generated[ListopsConfig]):
    """The source is ``[MAX 2 9 [MIN 4 7 ] 0 ]``, the target a digit."""

    def splits(self) -> tuple[str, ...]:
        return ("train", "dev", "test")

    @property
    def seed(self) -> int:
        return self.config.seed

    def file(self, split: str) -> str:
        return f"basic_{FILES[split]}.tsv"

    def count(self, split: str) -> int:
        count: int = getattr(self.config, split)
        return count

    def example(self, split: str, index: int, *, seed: int) -> dict[str, str]:
        """Draws until an expression has the length that is asked for, and belongs to the split."""
        rng = generator("listops", seed, split, index)
        while True:
            symbols: list[str] = []
            value = draw(rng, self.config, depth=1, into=symbols)
            if self.config.longer_than < len(symbols) < self.config.shorter_than:
                source = " ".join(symbols)
                if _split_of(source) == split:
                    return {"source": source, "target": str(value)}

    def read(self, split: str) -> Iterator[Record | BadRow]:
        for path in self.files(split):
            for line in read_lines(path, corpus=self.corpus):
                if line.row == 1 and line.text == HEADER:
                    continue
                source, tab, target = line.text.partition("\t")
                if line.fault or not tab or not re.fullmatch("[0-9]", target):
                    fault = line.fault or "the line is not `expression<tab>digit`"
                    yield BadRow(f"{split}:{line.row}", fault, str(path), line.row, line.byte)
                else:
                    yield {"id": f"{split}:{line.row}", "source": plain(source), "target": target}

    def write_synthetic(self, folder: Path, *, count: int, seed: int) -> None:
        for split in self.splits():
            rows = self.written(split, count=count, seed=seed)
            lines = (f"{row['source']}\t{row['target']}" for row in rows)
            write_lines(folder / self.file(split), [HEADER, *lines])


def plain(source: str) -> str:
    """Without the parentheses that make the tree binary, as every reader of the task takes it."""
    return " ".join(source.replace("(", " ").replace(")", " ").split())


def draw(rng: random.Random, config: ListopsConfig, *, depth: int, into: list[str]) -> int:
    """One node with all below it: its symbols go ``into`` the list, its value comes back."""
    if depth >= config.max_depth or rng.random() < LEAF:
        value = rng.randrange(10)
        into.append(str(value))
        return value
    start = len(into)
    into.append("")
    arguments = range(rng.randint(2, config.max_arguments))
    values = [draw(rng, config, depth=depth + 1, into=into) for _ in arguments]
    operator = rng.choice(("MIN", "MAX", "MED", "SM"))
    into[start] = f"[{operator}"
    into.append("]")
    return _applied(operator, values)


def _applied(operator: str, values: list[int]) -> int:
    """The median of an even number is the mean of the middle two without its fraction."""
    match operator:
        case "MIN":
            return min(values)
        case "MAX":
            return max(values)
        case "SM":
            return sum(values) % 10
        case _:
            ordered, half = sorted(values), len(values) // 2
            return ordered[half] if len(values) % 2 else (ordered[half - 1] + ordered[half]) // 2


def _split_of(source: str) -> str:
    """Where an expression belongs, so that splits are disjoint however they are drawn: half of all in train,
    a quarter in each of the others.
    """
    return ("train", "dev", "train", "test")[hashlib.sha256(source.encode()).digest()[0] % 4]
