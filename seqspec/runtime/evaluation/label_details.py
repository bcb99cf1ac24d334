"""What lies behind the metrics of a classifier: scores of each label, and which is taken for which."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from seqspec.compile.diagnostics.formats.text import width
from seqspec.components.metric._confusion import Confusion

MOST_PRINTED = 12
"""Labels whose whole matrix is printed; of more, the pairs that are confused most often."""
MOST_PAIRS = 10


def label_details(pairs: Iterable[tuple[str, str]], labels: Sequence[str] = ()) -> dict[str, Any]:
    """Of (hypothesis, reference): precision, recall, F1 and count of each label, and the confusion matrix, a
    row a reference, a column a hypothesis.
    """
    confusion, counts = Confusion(), Counter[tuple[str, str]]()
    for hypothesis, reference in pairs:
        confusion.add(hypothesis, reference)
        counts[reference, hypothesis] += 1
    found = confusion.by_label()
    names = [*dict.fromkeys([*labels, *found])]
    scores = {
        name: {
            "precision": one.precision,
            "recall": one.recall,
            "f1": one.f1,
            "examples": one.references,
            "predicted": one.predicted,
        }
        for name, one in found.items()
    }
    matrix = [[counts[reference, hypothesis] for hypothesis in names] for reference in names]
    return {"scores": scores, "confusion": {"labels": names, "counts": matrix}}


def confusion_lines(details: dict[str, Any]) -> list[str]:
    """The matrix for people, or the most frequent confusions where it would be too wide."""
    names, matrix = details["confusion"]["labels"], details["confusion"]["counts"]
    return _table(names, matrix) if len(names) <= MOST_PRINTED else _pairs(names, matrix)


def _table(names: Sequence[str], matrix: Sequence[Sequence[int]]) -> list[str]:
    corner = "reference \\ predicted"
    columns = [max(width(name), 6) for name in names]
    first = max([width(corner), *map(width, names)])
    head = "  ".join(_right(name, size) for name, size in zip(names, columns, strict=True))
    lines = [f"{_left(corner, first)}  {head}"]
    for name, row in zip(names, matrix, strict=True):
        cells = "  ".join(f"{count:{size},}" for count, size in zip(row, columns, strict=True))
        lines.append(f"{_left(name, first)}  {cells}")
    return lines


def _pairs(names: Sequence[str], matrix: Sequence[Sequence[int]]) -> list[str]:
    confused = [
        (count, reference, hypothesis)
        for reference, row in zip(names, matrix, strict=True)
        for hypothesis, count in zip(names, row, strict=True)
        if count and reference != hypothesis
    ]
    worst = sorted(confused, key=lambda one: (-one[0], one[1:]))[:MOST_PAIRS]
    return [
        f"{count:6,} times `{reference}` taken for `{hypothesis}`" for count, reference, hypothesis in worst
    ]


def _left(text: str, size: int) -> str:
    return text + " " * (size - width(text))


def _right(text: str, size: int) -> str:
    return " " * (size - width(text)) + text
