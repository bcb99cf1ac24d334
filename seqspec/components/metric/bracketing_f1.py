"""Labelled bracketing F1 of linearised parse trees."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from seqspec.components.metric._compared import signature
from seqspec.schema.metric.bracketing_f1 import BracketingF1Config

if TYPE_CHECKING:
    from seqspec.schema.types import Type

Brackets = Counter[tuple[str, int, int]]


class BracketingF1:
    """Precision and recall over all brackets of the split.  A hypothesis whose brackets do not match counts
    those that do.
    """

    reads = "text"
    better = "higher"

    def __init__(self, config: BracketingF1Config, takes: Mapping[str, Type], parts: Any = None) -> None:
        self._ignore, self._punctuation = frozenset(config.ignore), frozenset(config.punctuation)
        self._equal = dict(config.equal)
        self._shared = self._hypothesised = self._true = 0
        self._examples = self._exact = self._broken = 0

    def update(self, hypothesis: str, reference: str) -> None:
        """Count the brackets of one pair of trees."""
        mine, sound = self._brackets(hypothesis)
        theirs, _ = self._brackets(reference)
        shared = (mine & theirs).total()
        self._shared += shared
        self._hypothesised += mine.total()
        self._true += theirs.total()
        self._examples += 1
        self._exact += shared == mine.total() == theirs.total()
        self._broken += not sound

    def compute(self) -> dict[str, float]:
        """``bracketing_f1`` with precision, recall, trees that match whole and trees that are none, all as
        fractions.
        """
        counted = self._hypothesised + self._true
        return {
            "bracketing_f1": 2 * self._shared / counted if counted else 0.0,
            "bracketing_precision": self._shared / max(self._hypothesised, 1),
            "bracketing_recall": self._shared / max(self._true, 1),
            "bracketing_exact": self._exact / max(self._examples, 1),
            "bracketing_broken": self._broken / max(self._examples, 1),
        }

    def signature(self) -> str:
        """What decides the score."""
        equal = "+".join(f"{a}={b}" for a, b in sorted(self._equal.items())) or "none"
        ignored = "+".join(sorted(self._ignore)) or "none"
        marks = "".join(sorted(self._punctuation)) or "none"
        return signature(
            [("metric", "bracketing_f1"), ("ignore", ignored), ("punctuation", marks), ("equal", equal)]
        )

    def _brackets(self, tree: str) -> tuple[Brackets, bool]:
        """The brackets that close, and whether all of them did."""
        reader = _Reader(self._punctuation)
        for part in tree.replace("(", " (").split():
            reader.read(part)
        found: Brackets = Counter()
        for label, start, end in reader.closed:
            if label not in self._ignore and end > start:
                found[self._equal.get(label, label), start, end] += 1
        return found, reader.sound and not reader.open


class _Reader:
    """Reads ``(NP``, words or parts of speech, and ``)NP`` or ``)`` one after another."""

    def __init__(self, punctuation: frozenset[str]) -> None:
        self._punctuation = punctuation
        self.open: list[tuple[str, int]] = []
        self.closed: list[tuple[str, int, int]] = []
        self.sound = True
        self._position = 0

    def read(self, part: str) -> None:
        if part.startswith("(") and len(part) > 1:
            self.open.append((part[1:], self._position))
        elif part.startswith(")"):
            self._close(part[1:])
        elif part == "(":
            self.sound = False
        elif part not in self._punctuation:
            self._position += 1

    def _close(self, label: str) -> None:
        """Close the innermost bracket; one with another label is skipped over if the right one is open
        further out.
        """
        if not any(not label or name == label for name, _ in self.open):
            self.sound = False
            return
        while True:
            name, start = self.open.pop()
            if not label or name == label:
                self.closed.append((name, start, self._position))
                return
            self.sound = False
