"""Scores by label against values computed by hand."""

import pytest

from seqspec.components.metric.f1 import F1
from seqspec.components.metric.mcc import Mcc
from seqspec.components.metric.precision import Precision
from seqspec.components.metric.recall import Recall
from seqspec.schema.metric.f1 import F1Config
from seqspec.schema.metric.mcc import MccConfig
from seqspec.schema.metric.precision import PrecisionConfig
from seqspec.schema.metric.recall import RecallConfig

# a: 2 of 3 predicted are right, 2 of 2 found; b: 1 of 1, 1 of 2; c: never right, predicted once, 1 reference
PAIRS = [("a", "a"), ("a", "a"), ("a", "b"), ("b", "b"), ("d", "c")]


def scored(metric, pairs=PAIRS):
    for hypothesis, reference in pairs:
        metric.update(hypothesis, reference)
    (value,) = metric.compute().values()
    return value


@pytest.mark.parametrize(
    ("average", "precision", "recall", "f1"),
    [
        ("macro", (2 / 3 + 1) / 4, (1 + 1 / 2) / 4, (4 / 5 + 2 / 3) / 4),
        ("micro", 3 / 5, 3 / 5, 3 / 5),
        ("weighted", (2 * 2 / 3 + 2) / 5, 3 / 5, (2 * 4 / 5 + 2 * 2 / 3) / 5),
    ],
)
def test_averages(average, precision, recall, f1):
    assert scored(Precision(PrecisionConfig(average=average), {})) == pytest.approx(precision, abs=1e-12)
    assert scored(Recall(RecallConfig(average=average), {})) == pytest.approx(recall, abs=1e-12)
    assert scored(F1(F1Config(average=average), {})) == pytest.approx(f1, abs=1e-12)


def test_mcc_of_two_labels_is_matthews_formula():
    pairs = [("y", "y")] * 6 + [("y", "n")] * 1 + [("n", "y")] * 2 + [("n", "n")] * 3
    by_hand = (6 * 3 - 1 * 2) / ((6 + 1) * (6 + 2) * (3 + 1) * (3 + 2)) ** 0.5
    assert scored(Mcc(MccConfig(), {}), pairs) == pytest.approx(by_hand, abs=1e-12)


def test_mcc_of_a_constant_is_chance():
    assert scored(Mcc(MccConfig(), {}), [("a", "a"), ("a", "b")]) == 0.0


def test_nothing_counted_is_zero():
    assert scored(F1(F1Config(), {}), []) == scored(Mcc(MccConfig(), {}), []) == 0.0
