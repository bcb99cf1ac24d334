"""A small sweep from the command line, killed on the way."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import seqspec
from seqspec.runtime.sweep.sampler import Known, Sampler
from seqspec.schema.sections.sweep_space import Space, dimension

pytest.importorskip("optuna")

SPECS = Path(__file__).parents[3] / "specs"
SGD = {
    "type": "sgd",
    "weight_decay": {"uniform": [0.01, 0.02]},
    "schedule": {"type": "constant", "peak": 0.1},
}
SPACE = {
    "optimizer.schedule.peak": {"log_uniform": [1e-4, 3e-2]},
    "model.encoder.dim": {"choice": [16, 32]},
    "optimizer": {"choice": [{"epsilon": 1e-5}, SGD]},
}
"""The peak is set over that of the optimiser, though it stands before it."""
SHORT = [
    "train.max_steps=6",
    "train.checkpoint_every_steps=2",
    "evaluate.every_steps=3",
    "data.source.synthetic=100",
]
WAIT_SECONDS = 200


def command(study, *, trials, more=()):
    spaces = (part for path, one in SPACE.items() for part in ("--space", f"{path}={json.dumps(one)}"))
    sets = (part for one in SHORT for part in ("--set", one))
    return [sys.executable, "-m", "seqspec", "sweep", str(SPECS / "image_mnist_lenet5.yaml"), "--profile", "tiny",
            *sets, *spaces, "--study", str(study), "--trials", str(trials), "--format", "json", "--device", "cpu", *more]  # fmt: skip


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    return {**os.environ, "SEQSPEC_CACHE": str(tmp_path_factory.mktemp("cache")), "OMP_NUM_THREADS": "1"}


def wait_for(found, process):
    end = time.monotonic() + WAIT_SECONDS
    while not (got := found()):
        assert process.poll() is None, "the sweep ended before it could be killed"
        assert time.monotonic() < end
        time.sleep(0.02)
    return got


def events(study):
    return [json.loads(line) for line in (study / "study.jsonl").read_text().splitlines()]


@pytest.mark.slow
def test_a_killed_sweep_loses_and_repeats_nothing(tmp_path, environment):
    study = tmp_path / "study"
    with subprocess.Popen(command(study, trials=3), env=environment, stderr=subprocess.DEVNULL) as killed:
        lock = wait_for(lambda: next(study.glob("runs/*/*/*/[0-9]*/LOCK"), None), killed)
        wait_for(lambda: next(lock.parent.glob("checkpoints/step-*"), None), killed)
        killed.kill()
    os.kill(json.loads(lock.read_text())["pid"], signal.SIGKILL)
    begun = [one for one in events(study) if one["event"] == "finished"]
    done = subprocess.run(
        command(study, trials=3, more=["--parallel", "2"]), env=environment, capture_output=True, text=True
    )

    assert done.returncode == 0, done.stderr
    assert begun == []
    result = json.loads(done.stdout)
    assert [(one["number"], one["state"]) for one in result["trials"]] == [(n, "complete") for n in range(3)]
    assert sorted(one["number"] for one in events(study) if one["event"] == "finished") == [0, 1, 2]
    folders = sorted(path.parent for path in study.glob("runs/*/*/*/*/lock.json"))
    assert folders == sorted(Path(one["run"]) for one in result["trials"])
    assert folders[0] == lock.parent
    assert_suggestions_follow_from_the_log(result)
    assert_best(study, result)


def assert_suggestions_follow_from_the_log(result):
    sampler = Sampler("tpe", Space(tuple(dimension(*one) for one in SPACE.items())), "maximize", 1, 4)
    trials = result["trials"]
    for number, trial in enumerate(trials):
        earlier = [Known(one["params"], None, pending=True) for one in trials[:number]]
        assert sampler.suggest(number, earlier=earlier) == trial["params"]


def assert_best(study, result):
    best = max(result["trials"], key=lambda one: (one["value"], -one["number"]))
    assert result["best"] == best
    found = json.loads((Path(best["run"]) / "result.json").read_text())
    assert best["value"] == found["metrics"]["dev"]["accuracy"]
    text = (study / "best.yaml").read_text()
    assert text.startswith("# The best of 3 complete trials: accuracy on dev is ")
    assert f"#   optimizer={best['names']['optimizer']}    from {{choice: [(epsilon=1e-05), sgd " in text
    settings = seqspec.load(Path(best["run"]) / "spec.yaml").plan.experiment.optimizer
    assert settings.schedule.peak == best["params"]["optimizer.schedule.peak"]
    assert getattr(settings, "weight_decay", None) == best["params"]["optimizer"].get("weight_decay")
    sections = [one["params"]["optimizer"] for one in result["trials"]]
    assert all(0.01 <= one["weight_decay"] <= 0.02 for one in sections if one.get("type") == "sgd")
    assert {one.get("type") for one in sections} == {None, "sgd"}
    assert text.endswith((Path(best["run"]) / "spec.yaml").read_text())
    checked = subprocess.run(
        [sys.executable, "-m", "seqspec", "explain", str(study / "best.yaml")], capture_output=True, text=True
    )
    assert checked.returncode == 0, checked.stderr


@pytest.mark.slow
def test_a_trial_that_diverges_fails_alone_and_seeds_give_a_spread(tmp_path, environment):
    study = tmp_path / "study"
    over = ["--set", "optimizer={type: sgd, schedule: {type: constant, peak: 0.01}}"]
    line = command(study, trials=2, more=["--seeds", "2", "--sampler", "grid", *over])
    line = [part for at, part in enumerate(line) if part != "--space" and line[at - 1] != "--space"]
    done = subprocess.run(
        [*line, "--space", "optimizer.schedule.peak=[0.01, 1e+30]"],
        env=environment,
        capture_output=True,
        text=True,
    )

    assert done.returncode == 0, done.stderr
    good, bad = json.loads(done.stdout)["trials"]
    assert (good["state"], bad["state"]) == ("complete", "failed")
    assert len(good["values"]) == len(set(good["runs"])) == 2
    assert good["value"] == sum(good["values"]) / 2
    assert "deviation" in good
    assert bad["value"] is None
    assert "error" in bad["reason"]


@pytest.mark.slow
def test_what_a_rung_lets_through_goes_on_as_the_very_run_and_the_best_is_repeated(tmp_path, environment):
    study = tmp_path / "study"
    more = ["--rung", "3", "--keep", "3", "--repeat", "1", "--sampler", "random"]
    done = subprocess.run(
        command(study, trials=3, more=more), env=environment, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
    trials = json.loads(done.stdout)["trials"]
    assert sorted(one["state"] for one in trials) == ["complete", "pruned", "pruned"]
    best = next(one for one in trials if one["state"] == "complete")
    at_rung = {one["number"]: one for one in events(study) if one["event"] == "rung"}
    assert best["number"] == max(at_rung, key=lambda number: (at_rung[number]["values"][0], -number))
    assert best["runs"][0].endswith(at_rung[best["number"]]["runs"][0])
    assert len(set(best["runs"])) == 3  # its own and two more seeds
    folders = sorted(path.parent for path in study.glob("runs/*/*/*/*/lock.json"))
    assert len(folders) == 3 + 2
