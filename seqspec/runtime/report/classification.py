"""What a classifier confuses, how well it knows each class, and whether it is as sure as it is right."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from seqspec.pages.bars import reliability
from seqspec.pages.markup import Cell, escape, scrolling, table
from seqspec.pages.page import Section
from seqspec.runtime.report.predictions import Example, Predictions

MOST_CLASSES = 40
"""Of a matrix; of more, the pairs that are confused most are listed."""
MOST_PAIRS = 20
BINS = 10


def class_section(predictions: Predictions) -> Section:
    """Scores of each class, the confusion matrix and the calibration; empty where texts are written."""
    title = f"Classes of {predictions.name}"
    if not predictions.labels:
        return Section(title, "")
    counts = Counter((one.reference, one.hypothesis) for one in predictions.examples)
    used = [label for label in predictions.labels if any(label in pair for pair in counts)]
    matrix = _matrix(counts, used) if len(used) <= MOST_CLASSES else ""
    return Section(
        title, _scores(counts, used) + matrix + _confused(counts) + _calibration(predictions.examples)
    )


def _scores(counts: Counter[tuple[str, str]], labels: Sequence[str]) -> str:
    rows: list[tuple[Cell, ...]] = []
    for label in labels:
        right = counts[label, label]
        references = sum(n for (reference, _), n in counts.items() if reference == label)
        predicted = sum(n for (_, hypothesis), n in counts.items() if hypothesis == label)
        rows.append(
            (label, right / max(predicted, 1), right / max(references, 1),
             2 * right / max(predicted + references, 1), references, predicted)
        )  # fmt: skip
    means = [sum(float(row[n] or 0) for row in rows) / max(len(rows), 1) for n in (1, 2, 3)]
    rows.append(("mean over classes", *means, counts.total(), counts.total()))
    head = ("class", "precision", "recall", "F1", "examples", "predicted")
    written = [(row[0], *(f"{100 * float(v or 0):.1f} %" for v in row[1:4]), *row[4:]) for row in rows]
    return "<h3>Precision, recall and F1</h3>" + table(head, written, best=(len(rows) - 1,))


def _matrix(counts: Counter[tuple[str, str]], labels: Sequence[str]) -> str:
    top = "".join(f"<th scope=col>{escape(label)}</th>" for label in labels)
    lines = []
    for reference in labels:
        total = sum(counts[reference, one] for one in labels) or 1
        cells = "".join(
            f'<td class="number" style="--share:{counts[reference, one] / total:.3f}">'
            f"{counts[reference, one] or ''}</td>"
            for one in labels
        )
        lines.append(f"<tr><th scope=row>{escape(reference)}</th>{cells}</tr>")
    body = (
        f'<table class="confusion"><thead><tr><th>reference ↓ predicted →</th>{top}</tr></thead>'
        f"<tbody>{''.join(lines)}</tbody></table>"
    )
    return "<h3>Confusion matrix</h3>" + scrolling(body, name="confusion matrix")


def _confused(counts: Counter[tuple[str, str]]) -> str:
    wrong = Counter({pair: n for pair, n in counts.items() if pair[0] != pair[1]})
    if not wrong:
        return ""
    ranked = sorted(wrong.items(), key=lambda item: (-item[1], item[0]))[:MOST_PAIRS]
    rows = [(reference, hypothesis, n) for (reference, hypothesis), n in ranked]
    return "<h3>Confused most</h3>" + table(("reference", "predicted", "times"), rows)


def calibration_bins(examples: Sequence[Example]) -> tuple[list[tuple[float, float, int]], float]:
    """(Mean confidence, share that is right, examples) of each of ten equal bins of confidence, and the
    expected calibration error: Guo et al. (2017), "On Calibration of Modern Neural Networks", section 2.
    """
    held: dict[int, list[tuple[float, bool]]] = {}
    for one in examples:
        sure = math.exp(min(one.score, 0.0))
        held.setdefault(min(int(sure * BINS), BINS - 1), []).append((sure, one.reference == one.hypothesis))
    bins = [
        (sum(sure for sure, _ in rows) / len(rows), sum(right for _, right in rows) / len(rows), len(rows))
        for _, rows in sorted(held.items())
    ]
    total = sum(count for _, _, count in bins) or 1
    return bins, sum(abs(sure - right) * count for sure, right, count in bins) / total


def _calibration(examples: Sequence[Example]) -> str:
    if not all(math.isfinite(one.score) and one.score <= 1e-6 for one in examples):
        return ""  # these are no log-probabilities
    bins, error = calibration_bins(examples)
    return (
        "<h3>Calibration</h3>"
        f"<p>The probability of the predicted class is {error:.1%} away from the share that is right, on "
        "average (expected calibration error, ten bins).</p>"
        + reliability("share that is right, over the probability that was given", bins)
    )
