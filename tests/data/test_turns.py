"""Which task each global batch serves: a pure function of mix, sizes, seed and number."""

from collections import Counter

import numpy as np
import pytest

from seqspec.data.batching.turns import PIECE, Adapted, Turns
from seqspec.schema.mix.adaptive import AdaptiveConfig
from seqspec.schema.mix.constant import ConstantConfig
from seqspec.schema.mix.exponential import ExponentialConfig
from seqspec.schema.mix.proportional import ProportionalConfig
from seqspec.schema.mix.temperature import TemperatureConfig

SIZES = {"a": 1_000_000, "b": 50_000, "c": 2_000}


def drawn(mix, *, sizes=SIZES, seed=1, start=0, count=2000):
    turns = Turns(mix, sizes, seed)
    return [turns.at(number) for number in range(start, start + count)]


def test_a_turn_is_found_without_those_before_it():
    numbers = [0, 7, PIECE - 1, PIECE, PIECE + 1, 2 * PIECE + 17]
    whole = Turns(ConstantConfig(), SIZES, 3)
    seen = [whole.at(number) for number in range(2 * PIECE + 18)]

    assert [Turns(ConstantConfig(), SIZES, 3).at(number) for number in numbers] == [seen[n] for n in numbers]


def test_turns_are_counted_to_any_batch():
    turns = Turns(ProportionalConfig(), SIZES, 1)

    assert turns.counts(0) == {"a": 0, "b": 0, "c": 0}
    assert turns.counts(2000) == {
        task: Counter(t.task for t in drawn(ProportionalConfig()))[task] for task in SIZES
    }


def test_every_task_goes_through_its_own_batches_in_order():
    for task in SIZES:
        own = [turn.number for turn in drawn(ConstantConfig()) if turn.task == task]

        assert own == list(range(len(own)))


def test_another_seed_is_another_order():
    assert drawn(ConstantConfig(), seed=1) != drawn(ConstantConfig(), seed=2)


@pytest.mark.parametrize(
    ("mix", "expected"),
    [  # the numbers of T5's mixing, for these sizes
        (ProportionalConfig(), {"a": 0.951, "b": 0.048, "c": 0.002}),
        (ProportionalConfig(limit=100_000), {"a": 0.658, "b": 0.329, "c": 0.013}),
        (TemperatureConfig(temperature=2.0), {"a": 0.788, "b": 0.176, "c": 0.035}),
        (TemperatureConfig(temperature=4.0), {"a": 0.594, "b": 0.281, "c": 0.126}),
        (TemperatureConfig(temperature=2.0, limit=100_000), {"a": 0.541, "b": 0.383, "c": 0.077}),
    ],
)
def test_rates_by_size_are_those_of_t5(mix, expected):
    rates = mix.at(0, SIZES)
    total = sum(rates.values())
    counts = Counter(turn.task for turn in drawn(mix, count=20_000))

    assert {task: rate / total for task, rate in rates.items()} == pytest.approx(expected, abs=6e-4)
    assert {task: counts[task] / 20_000 for task in SIZES} == pytest.approx(expected, abs=0.02)


def test_a_rate_of_zero_is_never_drawn():
    mix = ConstantConfig(rates={"a": 1, "b": 0, "c": 0})

    assert {turn.task for turn in drawn(mix)} == {"a"}


def test_a_schedule_goes_from_one_set_of_rates_to_another():
    mix = ExponentialConfig(start={"a": 1, "b": 0, "c": 0}, end={"a": 0, "b": 1, "c": 0}, decay_steps=500.0)
    early = Counter(turn.task for turn in drawn(mix, count=50))
    late = Counter(turn.task for turn in drawn(mix, start=5000, count=50))

    assert early["a"] > 40
    assert late["b"] > 45
    assert mix.at(500, SIZES)["a"] == pytest.approx(np.exp(-1))
    assert mix.at(np.array([0, 500]), SIZES)["b"] == pytest.approx([0, 1 - np.exp(-1)])


ADAPTIVE = AdaptiveConfig(expected={"a": 0.5, "b": 20.0})


def test_adaptive_rates_are_those_of_lingvo():
    """Both forms by hand, at a reached part of 0.8 (lower is better) and of 0.25."""
    found = {"a": 0.625, "b": 5.0}
    ratio = ADAPTIVE.model_copy(update={"form": "inverse_ratio", "alpha": 2.0, "epsilon": 0.1})

    assert ADAPTIVE.after(found, lower=frozenset("a")) == pytest.approx({"a": 0.25, "b": 0.8})
    assert ratio.after(found, lower=frozenset("a")) == pytest.approx({"a": 1 / 0.74, "b": 1 / 0.1625})
    assert ADAPTIVE.after({"a": 0.0, "b": 90.0}, lower=frozenset("a")) == pytest.approx(
        {"a": 0.05, "b": 0.05}
    )
    assert ADAPTIVE.after({"b": -1.0}, lower=frozenset("a")) == pytest.approx({"a": 1.05, "b": 1.05})


def test_an_evaluation_changes_the_turns_after_it_and_none_before():
    sizes, known = {"a": 10, "b": 10}, {}
    early = Turns(Adapted(ADAPTIVE, {}), sizes, 1)
    before = [early.at(g) for g in range(1000)]
    known[1000] = {"a": 0.5, "b": 0.0}
    late = Turns(Adapted(ADAPTIVE, known), sizes, 1)
    after = [late.at(g) for g in range(4000)]
    share = np.mean([turn.task == "a" for turn in after[1000:]])

    assert after[:1000] == before
    assert share == pytest.approx(0.05 / 1.1, abs=0.015)  # three deviations of 3,000 draws
    assert Counter(t.task for t in after) == late.counts(4000)
