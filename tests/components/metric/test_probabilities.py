"""Metrics of the probability of every label, against values computed by hand."""

import itertools

import numpy as np
import pytest

from seqspec.components.metric.auc import Auc
from seqspec.components.metric.ece import Ece
from seqspec.schema.metric.auc import AucConfig
from seqspec.schema.metric.ece import EceConfig


def scored(metric, examples):
    for probabilities, reference in examples:
        metric.update(probabilities, reference)
    (value,) = metric.compute().values()
    return value


def two(p, reference):
    return {"no": 1 - p, "yes": p}, reference


def test_auc_is_the_share_of_pairs_in_order_with_ties_by_half():
    examples = [two(0.9, "yes"), two(0.5, "yes"), two(0.5, "no"), two(0.125, "no"), two(0.75, "no")]

    # 0.9 beats all three; 0.5 ties with one, beats one, loses to one.
    assert scored(Auc(AucConfig(), {}), examples) == pytest.approx((3 + 0.5 + 1) / 6)
    assert scored(Auc(AucConfig(average="weighted"), {}), examples) == pytest.approx(4.5 / 6)


def test_auc_is_one_label_against_all_others():
    generator = np.random.default_rng(0)
    rows = generator.dirichlet([1, 1, 1], size=40)
    labels = np.array(["a", "b", "c"])
    references = labels[generator.integers(0, 3, 40)]
    metric = Auc(AucConfig(), {})
    value = scored(
        metric,
        [(dict(zip("abc", row, strict=True)), str(r)) for row, r in zip(rows, references, strict=True)],
    )

    by_hand = {
        label: np.mean(
            [
                float(p > q) + 0.5 * float(p == q)
                for p, q in itertools.product(rows[references == label, i], rows[references != label, i])
            ]
        )
        for i, label in enumerate(labels)
    }
    assert metric.details()["labels"] == pytest.approx(by_hand)
    assert value == pytest.approx(np.mean(list(by_hand.values())))


def test_a_label_without_a_curve_is_left_out():
    examples = [({"a": 0.6, "b": 0.3, "c": 0.1}, "a"), ({"a": 0.2, "b": 0.7, "c": 0.1}, "b")]

    assert scored(Auc(AucConfig(), {}), examples) == 1.0
    assert scored(Auc(AucConfig(), {}), examples[:1]) == 0.0
    assert scored(Auc(AucConfig(), {}), []) == 0.0


def test_ece_is_the_mean_distance_of_accuracy_and_probability():
    examples = [two(0.95, "yes"), two(0.85, "no"), two(0.35, "no"), two(1.0, "yes")]
    metric = Ece(EceConfig(bins=10), {})

    value = scored(metric, examples)

    # bins (0.9, 1]: 2 right, mean 0.975; (0.8, 0.9]: none of one, 0.85; (0.6, 0.7]: one right, 0.65
    assert value == pytest.approx((2 * 0.025 + 0.85 + 0.35) / 4)
    assert [(one["examples"], one["accuracy"]) for one in metric.details()["bins"]] == [
        (1, 1.0),
        (1, 0.0),
        (2, 1.0),
    ]
    assert "bins:10" in metric.signature()
