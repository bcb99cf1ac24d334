import random

import pytest

from seqspec.components.metric.span_f1 import SpanF1, spans
from seqspec.schema.metric.span_f1 import SpanF1Config


@pytest.mark.parametrize(
    ("tags", "found"),
    [
        ("B-PER I-PER O B-LOC", [("PER", 0, 1), ("LOC", 3, 3)]),
        ("I-PER I-PER O", [("PER", 0, 1)]),
        ("B-PER B-PER", [("PER", 0, 0), ("PER", 1, 1)]),
        ("B-PER I-LOC", [("PER", 0, 0), ("LOC", 1, 1)]),
        ("S-A B-A E-A E-A", [("A", 0, 0), ("A", 1, 2), ("A", 3, 3)]),
        ("O O", []),
    ],
)
def test_spans_are_those_of_the_task_s_program(tags, found):
    assert [tuple(span) for span in spans(tags.split())] == found


def test_strict_spans_begin_with_a_mark_that_says_so():
    assert [tuple(span) for span in spans(["I-PER", "O", "B-LOC", "I-LOC", "I-PER"], strict=True)] == [
        ("LOC", 2, 3)
    ]


def test_scores_are_those_of_a_worked_example():
    """The example in the documentation of seqeval: one of two spans is right."""
    metric = SpanF1(SpanF1Config(), {})
    metric.update("O O B-MISC I-MISC I-MISC I-MISC O", "O O O B-MISC I-MISC I-MISC O")
    metric.update("B-PER I-PER O", "B-PER I-PER O")

    assert metric.compute() == pytest.approx(
        {"span_f1": 0.5, "span_precision": 0.5, "span_recall": 0.5, "tag_accuracy": 0.8}
    )
    assert metric.details()["PER"]["f1"] == 1.0


def test_counts_equal_those_of_seqeval():
    seqeval = pytest.importorskip("seqeval.metrics")
    rng = random.Random(1)
    tags = ["O", "B-A", "I-A", "B-B", "I-B", "E-A", "S-B"]
    true = [[rng.choice(tags) for _ in range(9)] for _ in range(50)]
    mine = [[tag if rng.random() < 0.7 else rng.choice(tags) for tag in row] for row in true]
    metric = SpanF1(SpanF1Config(), {})
    for one, other in zip(mine, true, strict=True):
        metric.update(" ".join(one), " ".join(other))

    assert metric.compute()["span_f1"] == pytest.approx(seqeval.f1_score(true, mine))
    assert metric.compute()["span_precision"] == pytest.approx(seqeval.precision_score(true, mine))
