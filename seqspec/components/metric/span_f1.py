"""F1 of tagged spans."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from seqspec.components.metric._compared import signature
from seqspec.schema.metric.span_f1 import SpanF1Config

if TYPE_CHECKING:
    from seqspec.schema.types import Type


class Span(NamedTuple):
    """Words ``first`` to ``last``."""

    kind: str
    first: int
    last: int


class SpanF1:
    """Precision and recall over all spans of the split."""

    reads = "text"
    better = "higher"

    def __init__(self, config: SpanF1Config, takes: Mapping[str, Type], parts: Any = None) -> None:
        self._strict = config.strict
        self._right: Counter[str] = Counter()
        self._predicted: Counter[str] = Counter()
        self._true: Counter[str] = Counter()
        self._tags = self._tags_right = 0

    def update(self, hypothesis: str, reference: str) -> None:
        """Count the spans of one sentence, whose tags stand between spaces."""
        mine, theirs = hypothesis.split(), reference.split()
        found, true = set(spans(mine, strict=self._strict)), set(spans(theirs, strict=self._strict))
        for counter, held in ((self._right, found & true), (self._predicted, found), (self._true, true)):
            counter.update(span.kind for span in held)
        self._tags += len(theirs)
        self._tags_right += sum(a == b for a, b in zip(mine, theirs, strict=False))

    def compute(self) -> dict[str, float]:
        """``span_f1`` with precision and recall, and the share of tags that are right, as fractions."""
        return {
            "span_f1": _f1(self._right.total(), self._predicted.total(), self._true.total()),
            "span_precision": self._right.total() / max(self._predicted.total(), 1),
            "span_recall": self._right.total() / max(self._true.total(), 1),
            "tag_accuracy": self._tags_right / max(self._tags, 1),
        }

    def details(self) -> dict[str, Any]:
        """F1 and how many there are of each type."""
        kinds = sorted(self._true.keys() | self._predicted.keys())
        return {
            kind: {"f1": self._of(kind), "precision": self._right[kind] / max(self._predicted[kind], 1),
                   "recall": self._right[kind] / max(self._true[kind], 1), "spans": self._true[kind]}
            for kind in kinds
        }  # fmt: skip

    def _of(self, kind: str) -> float:
        return _f1(self._right[kind], self._predicted[kind], self._true[kind])

    def signature(self) -> str:
        """What decides the score."""
        return signature([("metric", "span_f1"), ("strict", self._strict)])


def spans(tags: Sequence[str], *, strict: bool = False) -> Iterator[Span]:
    """The spans of a sentence's tags, in order."""
    first, kind, before = 0, "", "O"
    for place, tag in enumerate((*tags, "O")):
        mark, _, own = tag.partition("-")
        if kind and (before in "ES" or mark in "BSO" or own != kind):
            yield Span(kind, first, place - 1)
            kind = ""
        if not kind and mark != "O" and (mark in "BS" or not strict):
            first, kind = place, own or tag
        before = mark


def _f1(right: int, predicted: int, true: int) -> float:
    return 2 * right / (predicted + true) if predicted + true else 0.0
