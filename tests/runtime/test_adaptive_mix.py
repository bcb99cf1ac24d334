"""A mix that follows evaluations: exact over kills, over what is read ahead, and over an end that was moved."""

import json
import signal
import subprocess
import sys
from types import SimpleNamespace

import pytest

from seqspec.compile.pipeline import compile as compile_spec
from seqspec.runtime.checkpoints.checkpoint import read_checkpoint
from seqspec.runtime.devices.launch import Launch
from seqspec.runtime.run import resume, run
from seqspec.runtime.run_folder.continuation import Continuation
from tests.algorithmic_tasks import TASKS
from tests.two_tasks import two_tasks

LAUNCH = Launch(device="cpu", threads=1, quiet=True)
CHANGE = {
    "train": {"mix": {"type": "adaptive", "expected": {"backward": 1.0, "same": 0.01}, "epsilon": 0.001},
              "max_steps": 24, "checkpoint_every_steps": 3},
    "evaluate": {"every_steps": 4},
}  # fmt: skip


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    root = tmp_path_factory.mktemp("adaptive")
    spec = two_tasks(root, CHANGE, text=TASKS)
    return SimpleNamespace(
        root=root, spec=spec, folder=run(compile_spec(spec), runs=root / "runs", launch=LAUNCH).folder
    )


def same(folder, other, step=24):
    """Journals and last checkpoints are the same bytes."""
    assert folder.metrics.read_bytes() == other.metrics.read_bytes()
    name = f"step-{step:08d}"
    for file in (folder.checkpoints / name).iterdir():
        assert file.read_bytes() == (other.checkpoints / name / file.name).read_bytes()


def test_the_task_that_lags_is_drawn_more_often(trained):
    told = json.loads((trained.folder.path / "tasks.json").read_text())["tasks"]
    state = read_checkpoint(trained.folder.checkpoints / "step-00000024", step=24).state["standing"]
    best = max(state["task_scores"]["same"].values())

    assert best > 0.01  # it has reached what is expected of it, and the other cannot
    assert told["backward"]["turns"] > 3 * told["same"]["turns"]
    assert sum(one["turns"] for one in told.values()) == 24


def test_a_killed_run_draws_the_same_tasks(trained):
    runs = trained.root / "killed"
    command = [sys.executable, "-m", "tests.two_tasks", str(trained.spec), str(runs), "14"]
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
    (cut,) = (runs / "algorithmic_tasks").glob("2*")

    same(trained.folder, resume(cut, launch=LAUNCH).folder)


def test_what_loaders_read_ahead_is_not_of_the_rates_before(trained):
    launch = Launch(device="cpu", threads=1, quiet=True, workers=1)

    same(trained.folder, run(compile_spec(trained.spec), runs=trained.root / "ahead", launch=launch).folder)


def test_a_run_that_goes_on_is_one_that_was_longer_from_the_start(trained):
    short = two_tasks(trained.root, {**CHANGE, "train": {**CHANGE["train"], "max_steps": 18}}, text=TASKS,
                      name="short.yaml")  # fmt: skip
    folder = run(compile_spec(short), runs=trained.root / "short", launch=LAUNCH).folder

    longer = resume(folder.path, launch=LAUNCH, change=Continuation(until=24)).folder

    same(trained.folder, longer)
