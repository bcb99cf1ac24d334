"""The order in which tasks were written decides nothing; a run keeps the order that it has."""

import shutil

import pytest
import torch
import yaml

from seqspec.compile.diff.compare_specs import differences
from seqspec.compile.pipeline import compile as compile_spec
from seqspec.runtime.checkpoints.checkpoint import read_checkpoint
from seqspec.runtime.devices.launch import Launch
from seqspec.runtime.run import run
from seqspec.runtime.run_folder.compiled_run import compile_run
from seqspec.runtime.run_folder.folder import open_folder
from seqspec.schema.diagnostic import DataError
from tests.algorithmic_tasks import TASKS
from tests.two_tasks import two_tasks

LAUNCH = Launch(device="cpu", threads=1, quiet=True)


def turned(spec):
    """``spec`` with its tasks in the other order."""
    held = yaml.safe_load(spec.read_text())
    spec.write_text(yaml.safe_dump({**held, "tasks": dict(reversed(held["tasks"].items()))}, sort_keys=False))
    return spec


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A run of each order."""
    root = tmp_path_factory.mktemp("order")
    (root / "turned").mkdir()
    specs = two_tasks(root, text=TASKS), turned(two_tasks(root / "turned", text=TASKS))
    return [(spec, run(compile_spec(spec), runs=spec.parent, launch=LAUNCH).folder) for spec in specs]


def test_two_orders_of_tasks_are_one_experiment_to_the_bit(runs):
    (one, first), (other, second) = runs
    plans = [compile_spec(spec).plan for spec in (one, other)]
    weights = [
        read_checkpoint(folder.checkpoints / "step-00000004", step=4).tensors["weights"]
        for folder in (first, second)
    ]

    assert list(plans[1].tasks) == ["backward", "same"]
    assert plans[0].digests == plans[1].digests
    assert not differences(str(one), str(other))[0].changes
    assert list(weights[0]) == list(weights[1])
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])
    assert first.metrics.read_bytes() == second.metrics.read_bytes()


def test_a_run_that_began_in_another_order_keeps_it(runs, tmp_path):
    copy = shutil.copytree(runs[0][1].path, tmp_path / "older")
    turned(copy / "spec.yaml")

    assert list(compile_run(open_folder(copy)).plan.tasks) == ["same", "backward"]
    assert list(compile_spec(copy / "spec.yaml").plan.tasks) == ["backward", "same"]


def test_a_task_whose_data_are_filtered_away_is_named(tmp_path):
    nothing = {"data": {"filter": {"max_source_tokens": 1}, "source": {"lengths": "fixed"}}}
    spec = two_tasks(tmp_path, {"tasks": {"same": nothing}}, text=TASKS)

    with pytest.raises(
        DataError, match=r"no example of train is left .*corpus algorithmic of the task `same`"
    ):
        run(compile_spec(spec), runs=tmp_path, launch=LAUNCH)
