"""Suggestions are a pure function of the log: restarts, orders and parallelism change none."""

import json
import random
from statistics import median

import pytest

from seqspec.runtime.sweep.importance import importances
from seqspec.runtime.sweep.sampler import Known, Sampler, usual_generation
from seqspec.runtime.sweep.stages import Stages
from seqspec.runtime.sweep.study import Study
from seqspec.runtime.sweep.trial import Trial
from seqspec.schema.sections.sweep_space import Space, SpaceError, dimension

pytest.importorskip("optuna")

NUMBERS = Space((dimension("a", {"log_uniform": [1e-4, 1e-2]}), dimension("b", {"int": [2, 6]})))
SECTION = {
    "type": "x",
    "sizes": [1, 2],
    "inner": {"rate": {"log_uniform": [1e-3, 1e-1]}, "depth": {"int": [1, 3]}},
}
MIXED = Space((*NUMBERS.dimensions, dimension("c", ["x", True, 1, SECTION])))


def sampler(method, *, direction="minimize", seed=1):
    space = {
        "cmaes": NUMBERS,
        "grid": Space(
            (dimension("a", [3, 1, 2]), dimension("b", {"int": [1, 3]}), dimension("c", [{"d": 1}, {"d": 2}]))
        ),
    }.get(method, MIXED)
    return Sampler(method, space, direction, seed, usual_generation(method, dimensions=len(space.dimensions)))


def loss(params):
    return params["a"] * 100 + params["b"]


def swept(path, made, *, most, order, stop_every=0):
    """A study that is worked off in `order`; `stop_every` forgets what a worker holds, as a kill does."""
    study = Study(path, {"version": 1})
    study.start()
    held, stages = {}, Stages("minimize", most)
    while len(done := [t for t in study.trials() if t.state != "open"]) < most:
        while claimed := study.claim(made, stages):
            held[claimed[0].trial.number] = claimed
        if stop_every and len(done) % stop_every == 1:
            for _, lock in held.values():
                lock.close()
            held = {}
            while claimed := study.claim(made, stages):
                held[claimed[0].trial.number] = claimed
        due, lock = held.pop(order(sorted(held)))
        trial = due.trial
        study.record(due, Trial(trial.number, trial.params, "complete", (loss(trial.params),), ("runs/x",)))
        lock.close()
    return study.trials()


@pytest.mark.parametrize("method", ["tpe", "random", "sobol", "cmaes", "grid"])
def test_neither_order_nor_kills_change_suggestions(tmp_path, method):
    most = 18 if method == "grid" else 20
    made = sampler(method)
    forward = swept(tmp_path / "a", made, most=most, order=min)
    backward = swept(tmp_path / "b", made, most=most, order=max, stop_every=3)
    shuffled = swept(tmp_path / "c", made, most=most, order=random.Random(4).choice)

    assert [t.number for t in forward] == list(range(most))
    assert [t.params for t in backward] == [t.params for t in forward]
    assert [t.params for t in shuffled] == [t.params for t in forward]


@pytest.mark.parametrize("method", ["tpe", "random", "sobol", "cmaes"])
def test_the_seed_decides_the_suggestions(tmp_path, method):
    one = sampler(method).suggest(0, earlier=[])

    assert one == sampler(method).suggest(0, earlier=[])
    assert one != sampler(method, seed=2).suggest(0, earlier=[])


def test_values_stay_in_the_space(tmp_path):
    for method in ("tpe", "random", "sobol"):
        for trial in swept(tmp_path / method, sampler(method), most=24, order=min):
            assert 1e-4 <= trial.params["a"] <= 1e-2
            assert trial.params["b"] in range(2, 7)
            if isinstance(section := trial.params["c"], dict):
                inner = section["inner"]
                assert 1e-3 <= inner["rate"] <= 1e-1
                assert inner["depth"] in (1, 2, 3)
                assert section == {**SECTION, "inner": inner}
            else:
                assert json.dumps(section) in ('"x"', "true", "1")


def test_results_move_an_adaptive_sampler(tmp_path):
    """In 40 trials of TPE the later ones are better than the random ones at the start, on average by far."""
    trials = swept(tmp_path, sampler("tpe"), most=40, order=min)
    values = [loss(t.params) for t in trials]

    assert sum(values[-10:]) / 10 < sum(values[:10]) / 10 - 0.5


def test_results_move_what_stands_in_a_choice():
    space = Space((dimension("c", [{"type": "x", "rate": {"uniform": [0, 1]}}, {"type": "y", "rate": 2.0}]),))
    made, known = Sampler("tpe", space, "minimize", 1, 4), []
    for number in range(40):
        params = made.suggest(number, earlier=known)
        known.append(Known(params, params["c"]["rate"]))

    rates = [one.value for one in known]
    assert median(rates[-10:]) < 0.2 < median(rates[:10])
    assert importances(space, [Trial(n, one.params, "complete", (one.value,)) for n, one in enumerate(known)],
                       "minimize") == {"c": 1.0}  # fmt: skip


def test_cmaes_goes_towards_what_is_asked(tmp_path):
    trials = swept(tmp_path, sampler("cmaes"), most=60, order=min)
    values = [loss(t.params) for t in trials]

    assert sum(values[-10:]) / 10 < sum(values[:10]) / 10 - 0.5


def test_failed_and_pending_trials_are_taken_in():
    earlier = [Known({"a": 1e-3, "b": 3, "c": "x"}, None), Known({"a": 2e-3, "b": 4, "c": True}, 1.0)] * 12
    pending = [*earlier, Known({"a": 1e-3, "b": 3, "c": 1}, None, pending=True)]

    made = sampler("tpe")
    assert made.suggest(25, earlier=pending) == made.suggest(25, earlier=pending)
    assert made.suggest(25, earlier=pending) != made.suggest(
        13, earlier=[*earlier, Known({"a": 1e-3, "b": 3, "c": 1}, 0.5)]
    )


def test_a_grid_has_every_point_once(tmp_path):
    trials = swept(tmp_path, sampler("grid"), most=18, order=min)

    assert sorted((t.params["a"], t.params["b"], t.params["c"]["d"]) for t in trials) == [
        (a, b, d) for a in (1, 2, 3) for b in (1, 2, 3) for d in (1, 2)
    ]


def test_methods_refuse_what_they_cannot_search():
    with pytest.raises(SpaceError, match="`c` is a choice"):
        Sampler("cmaes", MIXED, "minimize", 1, 4).check()
    with pytest.raises(SpaceError, match="no points on `a`"):
        Sampler("grid", MIXED, "minimize", 1, 4).check()
