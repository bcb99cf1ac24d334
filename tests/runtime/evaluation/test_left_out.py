"""Examples that a loss cannot count are told by an evaluation, and no mean holds them."""

from seqspec.runtime.evaluation.evaluator import _left_out

WHY = {"too_short": "sources have too few states for their target"}


def test_examples_without_an_alignment_are_counted_over_all_batches():
    sums = [
        {"total": 1.0, "targets": 3.0, "too_short": 2.0},
        {"total": 1.0, "targets": 2.0, "too_short": 1.0},
    ]

    assert list(_left_out(sums, WHY)) == [
        "3 sources have too few states for their target: they are left out of the loss"
    ]


def test_nothing_is_told_where_all_are_counted():
    assert not list(_left_out([{"total": 1.0, "targets": 3.0, "too_short": 0.0}], WHY))
    assert not list(_left_out([], WHY))
