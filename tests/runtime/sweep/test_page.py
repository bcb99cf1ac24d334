"""What the page of a study tells: which settings matter, and that it takes trials to tell."""

import json

import pytest

from seqspec.runtime.sweep.importance import FEWEST, importances
from seqspec.runtime.sweep.objective import Objective
from seqspec.runtime.sweep.page import study_page
from seqspec.runtime.sweep.result import to_json, to_text
from seqspec.runtime.sweep.stages import Stages
from seqspec.runtime.sweep.study import Study
from seqspec.runtime.sweep.sweep import Swept
from seqspec.runtime.sweep.trial import Trial
from seqspec.schema.sections.sweep_space import Space, dimension

pytest.importorskip("optuna")

SPACE = Space((dimension("matters", {"uniform": [0, 1]}), dimension("idle", {"uniform": [0, 1]})))
NUMBER = 20


def trials(*, rungs=False):
    """The value is ``matters``, and ``idle`` goes through the same numbers in another order."""
    for number in range(NUMBER):
        value = number / (NUMBER - 1)
        params = {"matters": value, "idle": (number * 7 % NUMBER) / (NUMBER - 1)}
        if rungs and number > 1:
            yield Trial(number, params, "pruned", rungs=(value,))
        else:
            yield Trial(number, params, "complete", (value,), rungs=(value,) if rungs else ())


@pytest.mark.parametrize("rungs", [False, True])
def test_the_setting_that_decides_has_the_larger_share(rungs):
    found = importances(SPACE, list(trials(rungs=rungs)), "minimize")

    assert next(iter(found)) == "matters"
    assert found["matters"] > 2 * found["idle"]
    assert sum(found.values()) == pytest.approx(1)


def test_few_trials_or_equal_ones_say_nothing():
    assert importances(SPACE, list(trials())[: FEWEST - 1], "minimize") == {}
    assert (
        importances(
            SPACE,
            [Trial(n, {"matters": n / 9, "idle": 0.5}, "complete", (1.0,)) for n in range(9)],
            "minimize",
        )
        == {}
    )


@pytest.mark.parametrize(("count", "said"), [(NUMBER, "PED-ANOVA"), (3, "It takes 8 trials")])
def test_the_page_tells_which_settings_matter_or_what_it_takes(tmp_path, count, said):
    settings = {"space": SPACE.to_json(), "sampler": "random", "seed": 1}
    swept = Swept(Study(tmp_path, settings), Objective("dev", "loss", "minimize"), SPACE,
                  Stages("minimize", count), tuple(trials())[:count])  # fmt: skip
    page = study_page(swept)

    assert said in page
    assert "All settings together" in page
    assert "nearest neighbours" in page


def test_the_page_and_the_table_name_sections_in_a_few_words(tmp_path):
    sgd, adam = {"type": "sgd", "weight_decay": 0.5}, {"type": "adam", "beta2": 0.75}
    space = Space((dimension("optimizer", [sgd, adam]), dimension("idle", [1, 2])))
    found = tuple(
        Trial(n, {"optimizer": sgd if n % 2 else adam, "idle": 1 + n // 2 % 2}, "complete", (float(n % 2),))
        for n in range(12)
    )
    settings = {"space": space.to_json(), "sampler": "random", "seed": 1}
    swept = Swept(Study(tmp_path, settings), Objective("dev", "loss", "minimize"), space,
                  Stages("minimize", 12), found)  # fmt: skip
    page, result = study_page(swept), json.loads(to_json(swept))

    assert next(iter(importances(space, found, "minimize"))) == "optimizer"
    assert page.count("weight_decay") == 1  # among all settings of the sweep
    assert "{choice: [sgd, adam]}" in page
    assert "optimizer=adam idle=1\n" in to_text(swept)
    assert result["trials"][0]["params"]["optimizer"] == adam
    assert result["trials"][0]["names"] == {"optimizer": "adam", "idle": "1"}
