import numpy as np
import pytest
import torch

from seqspec.runtime.evaluation.evaluator import Found
from seqspec.runtime.prediction.predict import Predictor
from seqspec.schema.types import Text


class Echo:
    """Stands in for a judge: answers each row with how many ids it has, and notes what it was asked."""

    device = torch.device("cpu")

    def __init__(self):
        self.asked = []

    def search(self, batch):
        lengths = batch.target_lengths if batch.source is None else batch.source_lengths
        self.asked.extend(batch.index.tolist())
        return [
            Found(row, ((str(size), -1.0),))
            for row, size in zip(batch.index.tolist(), lengths.tolist(), strict=True)
        ]


def answers(inputs, **more):
    judge = Echo()
    predictor = Predictor(
        judge, lambda text: np.array([5] * len(text), np.int64), Text("en"), max_units=8, **more
    )
    return [found.hypotheses[0][0] for found in predictor(inputs)], sorted(judge.asked)


def test_a_line_without_words_is_answered_by_an_empty_line_unasked():
    lines = ["ab", "", "abc", "  ", "\u3000", "\t\r"]

    assert answers(lines) == (["2", "", "3", "", "", ""], [0, 2])


@pytest.mark.parametrize("lines", [[""], ["", " "], []])
def test_nothing_but_empty_lines_asks_nothing(lines):
    assert answers(lines) == ([""] * len(lines), [])


def test_what_normalising_leaves_empty_counts_as_empty():
    judge = Echo()
    predictor = Predictor(judge, lambda text: np.empty(0, np.int64), Text("en"), max_units=8)

    assert [found.hypotheses for found in predictor(["\u200b"])] == [(("", 0.0),)]
    assert judge.asked == []


def test_an_empty_prompt_is_gone_on_from():
    assert answers(["", "ab"], prompts=True) == (["0", "2"], [0, 1])
