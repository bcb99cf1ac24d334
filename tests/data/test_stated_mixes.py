"""Rates around a primary task, and rates that are stated at some batches."""

from collections import Counter

import numpy as np
import pytest

from seqspec.data.batching.turns import Turns
from seqspec.schema.config import Mismatch
from seqspec.schema.mix.multi_problem import MultiProblemConfig
from seqspec.schema.mix.piecewise import PiecewiseConfig, Stated
from seqspec.schema.types import Nothing

SIZES = {"lm": 100, "mt": 10, "nli": 10}
TASKS = dict.fromkeys(SIZES, Nothing())


def rates(mix, step):
    return {task: float(rate) for task, rate in mix.at(step, SIZES).items()}


def test_the_others_divide_their_share():
    alike = MultiProblemConfig(primary="lm", others_share=0.4)
    threes = MultiProblemConfig(primary="lm", others_share=0.4, thresholds={"mt": 3.0, "nli": 1.0})

    assert rates(alike, 7) == pytest.approx({"lm": 0.6, "mt": 0.2, "nli": 0.2})
    assert rates(threes, 7) == pytest.approx({"lm": 0.6, "mt": 0.3, "nli": 0.1})


def test_an_exponential_share_grows_to_its_limit_and_stays():
    mix = MultiProblemConfig(primary="lm", schedule="exponential", batches=100)

    share = 1 - np.asarray(mix.at(np.array([0, 50, 100, 500]), SIZES)["lm"])

    assert share == pytest.approx([0.5e-4, 0.5e-2, 0.5, 0.5])
    assert 1 - rates(mix, 50)["lm"] == pytest.approx(0.5e-2)


def test_pretraining_changes_over_at_once():
    mix = MultiProblemConfig(primary="lm", schedule="pretrain", batches=30)
    turns = Turns(mix, SIZES, 1)

    assert Counter(turns.at(number).task for number in range(30)) == {"lm": 30}
    assert {turns.at(number).task for number in range(30, 90)} == {"mt", "nli"}


@pytest.mark.parametrize(
    ("between", "expected"),
    [("step", [1, 1, 0, 0, 4]), ("linear", [1, 0.5, 0, 2, 4])],
)
def test_stated_rates_hold_or_are_gone_to(between, expected):
    points = [
        Stated(at=at, rates={"lm": rate, "mt": 1.0, "nli": 0.0})
        for at, rate in ((0, 1.0), (10, 0.0), (20, 4.0))
    ]
    mix = PiecewiseConfig(points=points, between=between)

    found = mix.at(np.array([0, 5, 10, 15, 25]), SIZES)

    assert found["lm"] == pytest.approx(expected)
    assert found["mt"] == pytest.approx([1.0] * 5)
    assert [rates(mix, step)["lm"] for step in (0, 5, 10, 15, 25)] == pytest.approx(expected)
    assert min(found["nli"]) == 0


@pytest.mark.parametrize(
    ("mix", "message"),
    [
        (MultiProblemConfig(primary="ml"), "no task `ml`"),
        (MultiProblemConfig(primary="lm", schedule="pretrain"), "`pretrain` needs a number of batches"),
        (MultiProblemConfig(primary="lm", batches=3), "`constant` has no number of batches"),
        (
            MultiProblemConfig(primary="lm", schedule="pretrain", batches=3, others_share=0.1),
            "no batch at first",
        ),
        (MultiProblemConfig(primary="lm", thresholds={"mt": 1.0}), "`nli` is not among them"),
        (MultiProblemConfig(primary="lm", thresholds={"lm": 1.0, "mt": 1.0}), "no other task `lm`"),
        (MultiProblemConfig(primary="lm", thresholds={"mt": 0.0, "nli": 0.0}), "nothing is trained"),
        (PiecewiseConfig(points=[Stated(at=3, rates={})]), "first batch"),
        (PiecewiseConfig(points=[Stated(at=0, rates={"lm": 1.0})]), "`mt` is not among them"),
        (PiecewiseConfig(points=[Stated(at=0, rates=dict.fromkeys(SIZES, 1.0))] * 2), "do not rise"),
    ],
)
def test_what_does_not_fit_is_said(mix, message):
    with pytest.raises(Mismatch, match=message):
        mix.output(TASKS)
