from __future__ import annotations

from itertools import islice

import pytest

from seqspec.schema.config import Mismatch
from seqspec.schema.types import Nothing

from .cases import config, reader


def _examples(count=300, split="train", **keys):
    rows = islice(reader("algorithmic", **keys).examples(split), count)
    return [(numbers(row["source"]), numbers(row["target"])) for row in rows]


def numbers(text):
    return [int(symbol) if symbol.isdigit() else symbol for symbol in text.split()]


@pytest.mark.parametrize(
    ("keys", "rule"),
    [
        ({"problem": "identity"}, list),
        ({"problem": "reverse"}, lambda given: given[::-1]),
        ({"problem": "sort", "symbols": 20}, sorted),
        ({"problem": "shift", "offset": 10}, lambda given: [one + 10 for one in given]),
        (
            {"problem": "cipher", "symbols": 5, "key": [1, 3], "lengths": "fixed"},
            lambda given: [(one - (1, 3)[at % 2]) % 5 for at, one in enumerate(given)],
        ),
    ],
)
def test_the_target_follows_from_the_source_by_the_rule(keys, rule):
    examples = _examples(**keys)

    assert all(target == rule(source) for source, target in examples)
    assert {one for source, _ in examples for one in source} == set(range(keys.get("symbols", 10)))


@pytest.mark.parametrize(("problem", "sign"), [("addition", "+"), ("multiplication", "*")])
@pytest.mark.parametrize("base", [2, 10])
def test_numbers_stand_with_their_least_significant_digit_first(problem, sign, base):
    for source, target in _examples(problem=problem, symbols=base):
        at = source.index(sign)
        left, right, result = (
            sum(digit * base**place for place, digit in enumerate(digits))
            for digits in (source[:at], source[at + 1 :], target)
        )

        assert result == (left + right if sign == "+" else left * right)
        assert len(source) <= 40
        assert target[-1] != 0 or len(target) == 1


def test_lengths_are_those_of_the_split():
    train, dev = ({len(source) for source, _ in _examples(2000, split)} for split in ("train", "dev"))

    assert (min(train), max(train)) == (1, 40)
    assert max(dev) > 350


def test_lengths_like_sentences_and_frequencies_by_rank():
    examples = _examples(
        2000, symbols=100, lengths="normal", frequencies="zipf", exponent=1.3, train={"max_length": 70}
    )
    lengths = [len(source) for source, _ in examples]
    drawn = [one for source, _ in examples for one in source]

    assert sum(lengths) / len(lengths) == pytest.approx(35.5, abs=1)
    assert drawn.count(0) / drawn.count(1) == pytest.approx(2**1.3, rel=0.1)


def test_an_example_follows_from_seed_split_and_index_alone():
    few, many = (
        [row["source"] for row in reader("algorithmic", train={"count": count}).examples("train")]
        for count in (5, 50)
    )

    assert many[:5] == few
    assert len(many) == 50
    assert _examples(5, seed=1) != _examples(5)
    assert _examples(5, split="dev") != _examples(5)


@pytest.mark.parametrize(
    ("keys", "at"),
    [
        ({"problem": "shift"}, ()),
        ({"offset": 3}, ("offset",)),
        ({"exponent": 1.5}, ("exponent",)),
        ({"frequencies": [0.5, 0.5]}, ("frequencies",)),
        ({"problem": "addition", "lengths": "fixed"}, ("lengths",)),
        ({"problem": "addition", "train": {"max_length": 2}}, ("train", "max_length")),
    ],
)
def test_settings_that_have_no_meaning_together_are_refused(keys, at):
    with pytest.raises(Mismatch) as caught:
        config("algorithmic", **keys).output(Nothing())

    assert caught.value.at == at
