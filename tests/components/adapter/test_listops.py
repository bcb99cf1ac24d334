from __future__ import annotations

import statistics

import pytest

from seqspec.data.corpus.record import BadRow
from seqspec.schema.config import Mismatch
from seqspec.schema.types import Nothing

from .cases import config, reader

SMALL = {"max_depth": 4, "longer_than": 3, "shorter_than": 40, "train": 300, "dev": 100, "test": 100}
APPLY = {
    "[MIN": min,
    "[MAX": max,
    "[SM": lambda values: sum(values) % 10,
    "[MED": lambda values: int(statistics.median(values)),
}


def evaluated(symbols):
    """The value of an expression, by a stack."""
    stack = []
    for symbol in symbols:
        if symbol == "]":
            values = []
            while not isinstance(stack[-1], str):
                values.append(stack.pop())
            stack.append(APPLY[stack.pop()](values))
        else:
            stack.append(int(symbol) if symbol.isdigit() else symbol)
    return stack


def test_labels_are_values_and_lengths_are_within_bounds():
    for row in reader("listops", **SMALL).examples("train"):
        symbols = row["source"].split()

        assert evaluated(symbols) == [int(row["target"])]
        assert 3 < len(symbols) < 40


def test_no_expression_is_in_two_splits():
    adapter = reader("listops", **SMALL)
    splits = [{row["source"] for row in adapter.examples(split)} for split in adapter.splits()]

    assert all(a.isdisjoint(b) for a in splits for b in splits if a is not b)


def test_the_published_files_are_read_without_their_parentheses(tmp_path):
    (tmp_path / "basic_train.tsv").write_text(
        "Source\tTarget\n( ( ( [MAX 2 ) 9 ) ] )\t9\n( 3 ) x\n", encoding="utf-8"
    )
    rows = list(reader("listops", tmp_path).examples("train"))

    assert rows[0] == {"id": "train:2", "source": "[MAX 2 9 ]", "target": "9"}
    assert isinstance(rows[1], BadRow)
    assert rows[1].row == 3


@pytest.mark.parametrize("keys", [{"longer_than": 50, "shorter_than": 51}, {"max_depth": 2}])
def test_bounds_that_no_expression_meets_are_refused(keys):
    with pytest.raises(Mismatch, match="no expression"):
        config("listops", **keys).output(Nothing())
