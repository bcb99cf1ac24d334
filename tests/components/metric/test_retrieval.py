"""Ranks against a plain count."""

from __future__ import annotations

import numpy as np
import pytest

from seqspec.components.metric.retrieval import Retrieval
from seqspec.components.predictions import VectorPrediction
from seqspec.schema.metric.retrieval import RetrievalConfig


def scored(x: np.ndarray, y: np.ndarray, **settings: object) -> dict[str, float]:
    metric = Retrieval(RetrievalConfig.model_validate(settings), {})
    for a, b in zip(x, y, strict=True):
        metric.update(*metric.measure(VectorPrediction(a), VectorPrediction(b)))
    return metric.compute()


def test_ranks_are_those_of_a_plain_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("seqspec.components.metric.retrieval.BLOCK", 7)
    rng = np.random.default_rng(0)
    x = rng.normal(size=(40, 5)).astype(np.float32)
    y = (x + rng.normal(size=(40, 5))).astype(np.float32)
    ranks = [1 + sum(float(a @ c) > float(a @ b) for c in y) for a, b in zip(x, y, strict=True)]
    found = scored(x, y, k=[1, 3])
    assert found["recall_at_1"] == pytest.approx(np.mean([r <= 1 for r in ranks]))
    assert found["recall_at_3"] == pytest.approx(np.mean([r <= 3 for r in ranks]))
    assert found["mrr"] == pytest.approx(np.mean([1 / r for r in ranks]))
    gains = [1 / np.log2(r + 1) if r <= 10 else 0.0 for r in ranks]
    assert found["ndcg_at_10"] == pytest.approx(np.mean(gains))
    assert next(iter(found)) == "recall_at_1"


def test_direction_turns_who_asks() -> None:
    rng = np.random.default_rng(1)
    x, y = (rng.normal(size=(30, 4)).astype(np.float32) for _ in range(2))
    there, back = scored(x, y), scored(y, x, direction="target_to_source")
    assert there == back
    assert there != scored(x, y, direction="target_to_source")


def test_equal_targets_are_no_help() -> None:
    """A model that gives every text the same vector finds nothing."""
    same = np.ones((20, 3), np.float32)
    assert scored(same, same)["recall_at_10"] == 0.0


def test_nothing_scores_nothing() -> None:
    assert set(scored(np.zeros((0, 3)), np.zeros((0, 3))).values()) == {0.0}
