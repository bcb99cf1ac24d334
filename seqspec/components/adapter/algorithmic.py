"""Algorithmic problems, worked out from (seed, split, index).

As in Tensor2Tensor, with two of its slips fixed: the symbol between two numbers is in the vocabulary, and
what is drawn by rank begins at symbol 0.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from functools import cached_property
from itertools import accumulate, cycle
from pathlib import Path

from seqspec.components.adapter._generated import Generated
from seqspec.components.adapter._synthetic_text import generator
from seqspec.components.adapter._write import write_lines
from seqspec.data.corpus.lines import read_lines
from seqspec.data.corpus.record import BadRow, Record
from seqspec.schema.adapter.algorithmic import ARITHMETIC, AlgorithmicConfig

SIGNS = {"addition": "+", "multiplication": "*"}


class Algorithmic(Generated[AlgorithmicConfig]):
    """Source and target are symbols with a space between."""

    def splits(self) -> tuple[str, ...]:
        return ("train", "dev", "test")

    @property
    def seed(self) -> int:
        return self.config.seed

    def count(self, split: str) -> int:
        count: int = getattr(self.config, split).count
        return count

    def example(self, split: str, index: int, *, seed: int) -> dict[str, str]:
        rng = generator("algorithmic", seed, split, index)
        longest: int = getattr(self.config, split).max_length
        if self.config.problem in ARITHMETIC:
            return arithmetic(rng, self.config.problem, base=self.config.symbols, longest=longest)
        length = _length(rng, self.config.lengths, longest)
        given = rng.choices(range(self.config.symbols), cum_weights=self._weights, k=length)
        return {"source": _joined(given), "target": _joined(_answer(given, self.config))}

    @cached_property
    def _weights(self) -> list[float]:
        return list(accumulate(_frequencies(self.config)))

    def read(self, split: str) -> Iterator[Record | BadRow]:
        for path in self.files(split):
            for line in read_lines(path, corpus=self.corpus):
                source, tab, target = line.text.partition("\t")
                if line.fault or not tab:
                    fault = line.fault or "the line is not `source<tab>target`"
                    yield BadRow(f"{split}:{line.row}", fault, str(path), line.row, line.byte)
                else:
                    yield {"id": f"{split}:{line.row}", "source": source, "target": target}

    def write_synthetic(self, folder: Path, *, count: int, seed: int) -> None:
        for split in self.splits():
            rows = self.written(split, count=count, seed=seed)
            write_lines(folder / self.file(split), (f"{row['source']}\t{row['target']}" for row in rows))


def arithmetic(rng: random.Random, problem: str, *, base: int, longest: int) -> dict[str, str]:
    """Two numbers with a sign between, ``longest`` symbols at most, and what they come to; the least
    significant digit stands first.
    """
    first = rng.randrange(longest // 2) + 1
    second = rng.randrange(longest - first - 1) + 1
    left, right = _digits(rng, first, base), _digits(rng, second, base)
    a, b = _value(left, base), _value(right, base)
    result = a + b if problem == "addition" else a * b
    source = f"{_joined(left)} {SIGNS[problem]} {_joined(right)}"
    return {"source": source, "target": _joined(_written(result, base))}


def _digits(rng: random.Random, length: int, base: int) -> list[int]:
    """The last and most significant is not 0, unless it is alone."""
    if length == 1:
        return [rng.randrange(base)]
    return [*(rng.randrange(base) for _ in range(length - 1)), rng.randrange(base - 1) + 1]


def _value(digits: list[int], base: int) -> int:
    value = 0
    for digit in reversed(digits):
        value = value * base + digit
    return value


def _written(value: int, base: int) -> list[int]:
    digits: list[int] = []
    while value or not digits:
        value, digit = divmod(value, base)
        digits.append(digit)
    return digits


def _length(rng: random.Random, kind: str, longest: int) -> int:
    match kind:
        case "fixed":
            return longest
        case "normal":
            return min(int(abs(rng.gauss(longest / 2, longest / 10)) + 1), longest)
        case _:
            return rng.randrange(longest) + 1


def _frequencies(config: AlgorithmicConfig) -> list[float]:
    """``rising`` never draws symbol 0, as in Tensor2Tensor's ciphers of 200 symbols."""
    match config.frequencies:
        case "uniform":
            return [1.0] * config.symbols
        case "zipf":
            return [(rank + 1.0) ** -(config.exponent or 1.0) for rank in range(config.symbols)]
        case "rising":
            return [float(symbol) for symbol in range(config.symbols)]
        case weights:
            return list(weights)


def _answer(given: list[int], config: AlgorithmicConfig) -> list[int]:
    match config.problem:
        case "reverse":
            return given[::-1]
        case "sort":
            return sorted(given)
        case "shift":
            return [symbol + (config.offset or 0) for symbol in given]
        case "cipher":
            keys = cycle(config.key or [0])
            return [(symbol - key) % config.symbols for symbol, key in zip(given, keys, strict=False)]
        case _:
            return given


def _joined(symbols: list[int]) -> str:
    return " ".join(map(str, symbols))
