"""What is to be done next follows from the log alone."""

import pytest

from seqspec.runtime.sweep.stages import Due, Stages
from seqspec.runtime.sweep.trial import Trial

HALVING = Stages("minimize", 9, rungs=(100, 300), keep=3)


def trials(*rungs, state="open"):
    return [Trial(number, {}, state, rungs=tuple(one)) for number, one in enumerate(rungs)]


def test_a_rung_waits_for_all_and_the_best_third_goes_on():
    some = trials([0.9], [0.1], [])
    assert HALVING.due(some) == [Due(some[2], 100)]
    assert HALVING.due(some[:2]) == []  # the other trials have yet to be suggested

    every = trials(*([value] for value in (0.5, 0.2, 0.2, 0.9, 0.8, 0.1, 0.7, 0.6, 0.4)))
    assert [(due.trial.number, due.until) for due in HALVING.due(every)] == [(5, 300), (1, 300), (2, 300)]
    assert [one.number for one in HALVING.told(every) if one.state == "pruned"] == [0, 3, 4, 6, 7, 8]


def test_the_last_rung_leads_to_the_end_and_failed_trials_are_out():
    every = trials(*([value] for value in (0.5, 0.2, 0.3, 0.9, 0.8, 0.1, 0.7, 0.6, 0.4)))
    every[5] = Trial(5, {}, "failed")
    assert [due.trial.number for due in HALVING.due(every)] == [1, 2, 8]
    every[1], every[2], every[8] = (
        Trial(n, {}, rungs=(0.2, value)) for n, value in ((1, 3.0), (2, 1.0), (8, 2.0))
    )
    assert HALVING.due(every) == [Due(every[2], None)]


def test_the_best_are_repeated_once():
    stages = Stages("maximize", 3, best=2)
    every = [Trial(number, {}, "complete", (value,)) for number, value in enumerate((0.1, 0.3, 0.2))]

    assert stages.due(every) == [Due(every[1], repeated=True), Due(every[2], repeated=True)]
    every[1] = Trial(1, {}, "complete", (0.3,), repeated=True, repeats=(0.1, 0.2))
    assert stages.due(every) == [Due(every[2], repeated=True)]
    assert every[1].mean == pytest.approx(0.2)


def test_a_budget_has_room_for_so_many_trials():
    assert HALVING.steps(last=900) == 9 * 100 + 3 * 200 + 600
    assert HALVING.within(2100, last=900).trials == 9
    assert HALVING.within(2099, last=900).trials == 8
    assert Stages("minimize", 9).within(2600, last=900).trials == 2
    assert Stages("minimize", 9).within(10, last=900).trials == 0
