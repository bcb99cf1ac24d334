"""How several batches of a step are shared out among tasks."""

import numpy as np
import pytest

from seqspec.data.batching import step_shares
from seqspec.data.batching.step_shares import StepShares, shared_out
from seqspec.schema.mix.constant import ConstantConfig
from seqspec.schema.mix.exponential import ExponentialConfig

SIZES = {"a": 10, "b": 30, "c": 5}


def shares(batches=7, **rates):
    return StepShares(ConstantConfig(rates=rates or None), SIZES, seed=3, batches=batches)


def test_whole_shares_are_the_same_in_every_step():
    rates = np.broadcast_to([0.1, 0.3, 0.2], (500, 3))  # of six: 1, 3, 2

    found = shared_out(rates, 6, np.linspace(0, 1, 500, endpoint=False))

    assert (found == [1, 3, 2]).all()


def test_other_shares_are_the_next_whole_numbers_and_right_in_the_long_run():
    turns = shares(a=1, b=4, c=2.5)  # of seven: 14/15, lifted to 1; 3.73 and 2.33 of what is left
    steps = np.array([[turns.at(step * 7 + place).task for place in range(7)] for step in range(300)])
    counts = np.stack([(steps == name).sum(1) for name in SIZES], axis=1)

    assert (counts.sum(1) == 7).all()
    assert (counts[:, 0] == 1).all()
    assert set(counts[:, 1]) == {3, 4}
    assert set(counts[:, 2]) == {2, 3}
    more = np.array([56 / 15 - 1, 35 / 15 - 1])
    expected = 1 + more * 4 / more.sum()
    drawn = turns.counts(7 * 20_000)
    np.testing.assert_allclose([drawn["b"] / 20_000, drawn["c"] / 20_000], expected, atol=0.01, rtol=0)


def test_a_task_goes_through_its_own_batches_one_by_one(monkeypatch):
    monkeypatch.setattr(step_shares, "PIECE", 16)  # several pieces
    mix = ExponentialConfig(start={"a": 9, "b": 0, "c": 1}, end={"a": 0, "b": 5, "c": 5}, decay_steps=100)
    turns = StepShares(mix, SIZES, seed=1, batches=5)
    had = dict.fromkeys(SIZES, 0)

    for number in range(5 * 50):
        assert turns.counts(number) == had
        turn = turns.at(number)
        assert turn.number == had[turn.task]
        had[turn.task] += 1

    begun = {task: turns.counts(25)[task] for task in SIZES}
    ended = {task: had[task] - turns.counts(225)[task] for task in SIZES}
    assert begun["a"] > begun["b"] == 5  # at least one of each step
    assert ended["b"] > ended["a"] >= 5


def test_a_step_does_not_depend_on_what_was_asked_before():
    fresh, asked = shares(), shares()
    asked.at(0)

    assert fresh.at(7 * 70_000 + 3) == asked.at(7 * 70_000 + 3)


@pytest.mark.parametrize("batches", [3, 4])
def test_every_task_is_in_every_step(batches):
    turns = shares(batches, a=100, b=1, c=0)
    for step in range(40):
        assert {turns.at(step * batches + place).task for place in range(batches)} == set(SIZES)
