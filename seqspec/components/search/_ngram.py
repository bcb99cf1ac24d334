"""Back-off n-gram language models in ARPA form.

Katz (1987), "Estimation of Probabilities from Sparse Data", IEEE ASSP-35, for backing off; the form is that
of SRILM, KenLM and IRSTLM.  A file may come from anywhere: every number is checked, and memory is bounded.
"""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from seqspec.schema.diagnostic import DataError

BEGIN, END, UNKNOWN = "<s>", "</s>", "<unk>"
MOST_NGRAMS = 20_000_000
MOST_ORDER = 10
MOST_LINE = 65_536
"""Bytes of one line."""
MOST_PREFACE = 1000
"""Lines before `\\data\\`, which tools use for remarks."""
SLACK = 1e-3
"""How far above 0 rounding may bring a log-probability."""
LN10 = math.log(10)
NEVER = -100.0 * LN10
"""What a word costs that the model does not know and has no ``<unk>`` for, as in KenLM."""
_BLANKS = re.compile(r"[ \t]+")
_COUNT = re.compile(r"ngram[ \t]+([0-9]{1,3})[ \t]*=[ \t]*([0-9]{1,18})")
_SECTION = re.compile(r"\\([0-9]{1,3})-grams:")

Words = tuple[str, ...]


@dataclass(frozen=True)
class NgramModel:
    """Log-probabilities and back-off weights, natural logarithms, by n-gram."""

    order: int
    log_probs: Mapping[Words, float]
    backoffs: Mapping[Words, float] = field(default_factory=dict)

    @cached_property
    def most(self) -> float:
        """What no log-probability exceeds, at least 0: weights of backing off may be above 1."""
        backoff = max(0.0, max(self.backoffs.values(), default=0.0))
        log_prob = max(0.0, max(self.log_probs.values(), default=0.0))
        return log_prob + (self.order - 1) * backoff + SLACK  # Their sum is rounded.

    def knows(self, word: str) -> bool:
        """Whether the word is one of the model's own."""
        return (word,) in self.log_probs

    def log_prob(self, context: Words, word: str) -> float:
        """Log-probability of ``word`` after ``context``, of which the last ``order - 1`` words count."""
        if not self.knows(word):
            word = UNKNOWN
        context = context[len(context) - self.order + 1 :] if len(context) >= self.order else context
        cost = 0.0
        while True:
            found = self.log_probs.get((*context, word))
            if found is not None:
                return cost + found
            if not context:
                return cost + NEVER
            cost += self.backoffs.get(context, 0.0)
            context = context[1:]

    def following(self, context: Words, word: str) -> Words:
        """The context after ``word``."""
        longer = (*context, word if self.knows(word) else UNKNOWN)
        return longer[max(len(longer) - self.order + 1, 0) :]


def read_arpa(path: Path) -> NgramModel:
    """The model in ``path``; raises ``DataError`` with the row where it is no ARPA file."""
    if not path.is_file():
        raise DataError("there is no such regular file", file=str(path))
    reader = _Reader(path)
    for row, line in _lines(path):
        if line == "\\end\\":
            return reader.finished()
        reader.read(row, line)
    if not reader.begun:
        raise DataError("it is no language model in ARPA form: it has no `\\data\\`", file=str(path))
    raise DataError("it ends before `\\end\\`: it was cut short", file=str(path))


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """Lines that are not empty, by row."""
    with open(path, "rb") as file:
        row = 0
        while data := file.readline(MOST_LINE + 1):
            row += 1
            if row == 1 and data[:2] == b"\x1f\x8b":
                raise DataError("it is compressed", file=str(path), help="unpack it first: `gunzip FILE`")
            if len(data) > MOST_LINE:
                raise _refused(path, row, f"it is longer than {MOST_LINE:,} bytes")
            try:
                line = data.decode("utf-8").strip(" \t\r\n\ufeff")
            except UnicodeDecodeError:
                raise _refused(path, row, "it is not UTF-8") from None
            if line:
                yield row, line


class _Reader:
    """What stands in the lines so far."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.begun = False
        self.order = 0
        self.declared: dict[int, int] = {}
        self.found: dict[int, int] = {}
        self.log_probs: dict[Words, float] = {}
        self.backoffs: dict[Words, float] = {}

    def read(self, row: int, line: str) -> None:
        """One line more."""
        if not self.begun:
            self.begun = line == "\\data\\"
            if row > MOST_PREFACE:
                raise _refused(self.path, row, "no `\\data\\` stands before it: this is no ARPA file")
        elif line.startswith("\\") and (section := _SECTION.fullmatch(line)):
            self._section(row, int(section[1]))
        elif self.order:
            self._entry(row, line)
        else:
            self._count(row, line)

    def finished(self) -> NgramModel:
        """The model; raises ``DataError`` where n-grams are missing."""
        for order, count in self.declared.items():
            found = self.found.get(order, 0)
            if found != count:
                told = f"it has {found:,} n-grams of order {order}, and its head says {count:,}"
                raise DataError(told, file=str(self.path))
        if not self.log_probs:
            raise DataError("it has no n-grams", file=str(self.path))
        return NgramModel(max(self.declared), self.log_probs, self.backoffs)

    def _count(self, row: int, line: str) -> None:
        told = _COUNT.fullmatch(line)
        if told is None:
            raise _refused(self.path, row, "in the head of the file stand lines such as `ngram 1=20000`")
        order, count = int(told[1]), int(told[2])
        if order != len(self.declared) + 1 or order > MOST_ORDER:
            raise _refused(self.path, row, f"orders go up from 1 by 1, to {MOST_ORDER} at most")
        self.declared[order] = count
        if sum(self.declared.values()) > MOST_NGRAMS:
            help = "prune it, or lower its order"
            raise DataError(f"it has more than {MOST_NGRAMS:,} n-grams", file=str(self.path), help=help)

    def _section(self, row: int, order: int) -> None:
        if order != self.order + 1 or order not in self.declared:
            raise _refused(self.path, row, "sections go up from 1 by 1, as the head of the file counts them")
        self.order = order

    def _entry(self, row: int, line: str) -> None:
        parts = _BLANKS.split(line)
        if len(parts) not in (self.order + 1, self.order + 2):
            what = f"a log-probability, {self.order} words and perhaps a back-off weight"
            raise _refused(self.path, row, f"a line of this section has {what}")
        log_prob = self._number(row, parts[0])
        if log_prob > SLACK:
            raise _refused(self.path, row, f"{parts[0]} is no logarithm of a probability")
        words = tuple(map(sys.intern, parts[1 : self.order + 1]))
        self.found[self.order] = self.found.get(self.order, 0) + 1
        if self.found[self.order] > self.declared[self.order]:
            told = f"the head of the file says {self.declared[self.order]:,} n-grams of order {self.order}"
            raise _refused(self.path, row, told)
        if words in self.log_probs:
            raise _refused(self.path, row, f"`{' '.join(words)}` stands in the file twice")
        self.log_probs[words] = log_prob * LN10
        if len(parts) == self.order + 2 and (backoff := self._number(row, parts[-1])):
            self.backoffs[words] = backoff * LN10

    def _number(self, row: int, text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            raise _refused(self.path, row, f"`{text[:40]}` is no number")
        return value


def _refused(path: Path, row: int, why: str) -> DataError:
    return DataError(why, file=str(path), row=row)
