"""The study's log survives kills, is shared, and belongs to one sweep."""

import os
from functools import partial
from pathlib import Path

import pytest

from seqspec.compile.pipeline import compile as compile_spec
from seqspec.compile.resolve.resolve import Overlay
from seqspec.runtime.sweep.sampler import Sampler
from seqspec.runtime.sweep.stages import Due, Stages
from seqspec.runtime.sweep.study import Study
from seqspec.runtime.sweep.sweep import changes_of
from seqspec.runtime.sweep.trial import Trial
from seqspec.schema.diagnostic import RunError
from seqspec.schema.sections.sweep_space import Space, dimension

pytest.importorskip("optuna")

DIGITS = Path(__file__).parents[3] / "specs" / "image_mnist_lenet5.yaml"
SAMPLER = Sampler("tpe", Space((dimension("a", {"uniform": [0, 1]}),)), "minimize", 1, 2)
FIVE = Stages("minimize", 5)


@pytest.fixture
def study(tmp_path):
    made = Study(tmp_path, {"version": 1, "metric": "bleu"})
    made.start()
    return made


def test_a_torn_line_never_counted(study, tmp_path):
    (trial, _, _), held = study.claim(SAMPLER, FIVE)
    log = tmp_path / "study.jsonl"
    whole = log.read_bytes()
    log.write_bytes(whole + b'{"event": "finished", "number": 0, "sta')

    assert study.trials() == (trial,)
    study.record(Due(trial), Trial(0, trial.params, "complete", (0.5,), ("runs/r",)))
    held.close()
    assert log.read_bytes().startswith(whole + b'{"event": "finished", "number": 0, "state": "complete"')
    assert study.trials()[0].value == 0.5


def test_rungs_and_repetitions_are_read_back(study):
    halving = Stages("minimize", 1, rungs=(2,), best=1)
    due, held = study.claim(SAMPLER, halving)
    study.record(due, Trial(0, due.trial.params, rungs=(0.7,), runs=("runs/r",)))
    assert study.trials()[0].rungs == (0.7,)

    due = Due(study.trials()[0])
    study.record(due, Trial(0, due.trial.params, "complete", (0.5,), ("runs/r",), rungs=(0.7,)))
    due = Due(study.trials()[0], repeated=True)
    study.record(due, Trial(0, due.trial.params, "complete", (0.5,), ("runs/r", "runs/s"), repeats=(0.6,)))
    held.close()

    (trial,) = study.trials()
    assert (trial.rungs, trial.values, trial.repeats, trial.repeated) == ((0.7,), (0.5,), (0.6,), True)
    assert trial.runs == ("runs/r", "runs/s")


def test_a_trial_has_one_worker_and_is_free_when_it_dies(study):
    other = Study(study.path, study.settings)
    first, held = study.claim(SAMPLER, FIVE)
    second, held_too = other.claim(SAMPLER, FIVE)

    assert (first.trial.number, second.trial.number) == (0, 1)
    assert study.claim(SAMPLER, FIVE) is None  # the next generation waits for this one
    held.close()
    again, held = other.claim(SAMPLER, FIVE)
    assert again == first
    held.close()
    held_too.close()


def test_no_more_trials_than_asked(study):
    _, held = study.claim(SAMPLER, Stages("minimize", 1))
    assert study.claim(SAMPLER, Stages("minimize", 1)) is None
    held.close()


def test_another_sweep_is_refused(study):
    study.start()
    with pytest.raises(RunError, match='its `metric` is "bleu", not "cer"'):
        Study(study.path, {**study.settings, "metric": "cer"}).start()


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("nonsense", "it is no JSON"),
        ("[" * 50_000, "it is no JSON"),
        ("[]", "no event of a study"),
        ('{"event": "other"}', "no event of a study"),
        ('{"event": "study"}', "the study's settings stand in the first line"),
        ('{"event": "suggested", "params": {}}', "it has no `number`"),
        ('{"event": "suggested", "number": 5, "params": {}}', "trial 0 comes next"),
        ('{"event": "finished", "number": 0, "state": "complete", "values": [], "runs": [], "reason": null}',
         "there is no trial 0"),
        ('{"event": "rung", "number": 0, "state": "open", "values": [1], "runs": [], "reason": null, "step": 2}',
         "there is no trial 0"),
        ('{"event": "rung", "number": 0, "state": "open", "values": [1], "runs": [], "reason": null}',
         "it has no `step`"),
    ],
)  # fmt: skip
def test_a_damaged_line_is_told(study, line, why):
    with (study.path / "study.jsonl").open("a") as file:
        file.write(line + "\n")
    with pytest.raises(RunError, match=f"study.jsonl:2 is not a line that a sweep has written.*{why}"):
        study.trials()


def test_a_log_that_is_no_regular_file_is_told(tmp_path):
    os.mkfifo(tmp_path / "study.jsonl")
    with pytest.raises(RunError, match="no regular file"):
        Study(tmp_path, {}).start()


def test_a_study_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match="cannot be kept in") as caught:
        Study(tmp_path / "file", {}).start()
    assert caught.value.exit == 2


@pytest.mark.parametrize("there", [True, False])
def test_a_lost_log_is_told_where_runs_of_its_trials_are(study, there):
    study.start()
    study.folder(0).mkdir(parents=True)
    (study.path / "study.jsonl").unlink()
    if there:
        (study.path / "study.jsonl").touch()

    with pytest.raises(RunError, match="holds nothing, and runs of its trials are there"):
        study.start()


def test_another_experiment_is_told_in_words(tmp_path):
    Study(tmp_path / "s", {"experiment": "a" * 64}).start()

    with pytest.raises(RunError, match="it was begun with another spec, or with another --profile or --set"):
        Study(tmp_path / "s", {"experiment": "b" * 64}).start()


def test_what_another_experiment_says_otherwise_is_told_by_a_run_of_the_study(tmp_path):
    sets = [*map(Overlay.set, ("train.max_steps=50", "optimizer.schedule.warmup_steps=2", "seed=9"))]
    Study(tmp_path, {"experiment": "a" * 64}).start()
    run = tmp_path / "runs" / "trial-0000" / "seed-1" / "digits" / "one"
    run.mkdir(parents=True)
    (run / "spec.yaml").write_text(DIGITS.read_text(encoding="utf-8"), encoding="utf-8")
    plan = compile_spec(DIGITS, overlays=sets).plan

    with pytest.raises(RunError) as caught:
        Study(tmp_path, {"experiment": "b" * 64}).start(
            changed=partial(changes_of, plan, {"optimizer.schedule.warmup_steps"})
        )
    assert "`train.max_steps` was " in str(caught.value)
    assert "is 50" in str(caught.value)
    assert "warmup_steps" not in str(caught.value)
    assert "seed" not in str(caught.value).removeprefix(str(tmp_path))
