"""Steps of several batches of several tasks, and mixes that follow evaluations, on two processes and killed."""

import json
from types import SimpleNamespace

import pytest
import torch

from seqspec.compile.pipeline import compile as compile_spec
from seqspec.compile.validation import Options, validate_file
from seqspec.components.procedure.joint import Joint
from seqspec.runtime.devices.launch import Launch
from seqspec.runtime.run import resume, run
from seqspec.runtime.run_folder.metrics_log import read_journal
from seqspec.runtime.training.joint_step import JointStep
from seqspec.schema.diagnostic import SpecError
from seqspec.schema.procedure.joint import JointConfig
from seqspec.schema.types import Nothing
from tests.algorithmic_tasks import TASKS
from tests.compile.experiments import merged
from tests.runtime.paired_processes import in_processes
from tests.two_tasks import two_tasks

LAUNCH = Launch(device="cpu", threads=1, quiet=True)
ADAPTIVE = {"type": "adaptive", "expected": {"backward": 1.0, "same": 0.01}, "epsilon": 0.001}
TRAIN = {"max_steps": 8, "checkpoint_every_steps": 2, "accumulate": 2, "mix": ADAPTIVE}
TAKING_TURNS = {"train": TRAIN, "evaluate": {"every_steps": 2}}
SEVERAL = {
    "procedure": "pcgrad",
    "train": {**TRAIN, "max_steps": 4, "mix": {"type": "per_step", "batches": 4, "by": ADAPTIVE}},
    "evaluate": {"every_steps": 2},
}


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Two specs, each trained by one process and by two; one of them by a process that is killed, too."""
    root = tmp_path_factory.mktemp("mixed")
    specs = {
        "turns": two_tasks(root, TAKING_TURNS, text=TASKS, name="turns.yaml"),
        "several": two_tasks(root, SEVERAL, text=TASKS, name="several.yaml"),
    }
    alone = {
        name: run(compile_spec(spec), runs=root / "alone" / name, launch=LAUNCH).folder
        for name, spec in specs.items()
    }
    pairs = [one for name, spec in specs.items() for one in (spec, root / "two" / name)]
    in_processes(*pairs, "--kill", 10, specs["several"], root / "killed")
    two = {name: next((root / "two" / name).glob("*/2*")) for name in specs}
    killed = next((root / "killed").glob("*/2*"))
    resume(killed, launch=LAUNCH)
    return SimpleNamespace(alone=alone, two=two, killed=killed)


def bits(path):
    found = {file.relative_to(path): file.read_bytes() for file in path.glob("checkpoints/*/*")}
    assert found
    return found | {"metrics": (path / "metrics.jsonl").read_bytes()}


@pytest.mark.slow
@pytest.mark.parametrize("name", ["turns", "several"])
def test_two_processes_follow_evaluations_to_the_same_tasks_and_bits(runs, name):
    turns = runs.alone[name].read("tasks.json")["tasks"]

    assert turns["backward"]["turns"] > 1.5 * turns["same"]["turns"]  # it lags, and both have heard of it
    assert bits(runs.two[name]) == bits(runs.alone[name].path)


def test_a_killed_run_goes_on_within_a_step_of_several_batches(runs):
    assert bits(runs.killed) == bits(runs.alone["several"].path)


def test_the_journal_has_every_task_at_every_step(runs):
    lines = [line for line in read_journal(runs.alone["several"].metrics) if line["event"] == "train"]
    turns = runs.alone["several"].read("tasks.json")["tasks"]

    assert all({"loss.backward", "loss.same", "norm.backward", "norm.same"} <= line.keys() for line in lines)
    assert sum(one["turns"] for one in turns.values()) == 4 * 4
    assert turns["same"]["turns"] >= 4


def test_the_gradient_is_that_of_the_mean_batch_times_the_tasks():
    """Three batches of one task and one of another: a step is no larger than with one of each."""
    weight = torch.nn.Parameter(torch.zeros(2))
    step = JointStep(Joint(JointConfig(), Nothing()), [weight], tasks=2, batches=4, seed=1)
    given = [("a", (1.0, 0.0)), ("b", (0.0, 3.0)), ("b", (0.0, 6.0)), ("b", (0.0, 9.0))]
    for task, gradient in given:
        assert not step.complete
        weight.grad = torch.tensor(gradient)
        step.add(task, [], [torch.tensor(gradient[1])])

    assert step.complete
    held = step.finish(1)
    torch.testing.assert_close(weight.grad, torch.tensor([0.5, 9.0]))
    assert [(one.task, one.norm, one.loss) for one in held] == [("a", 0.5, 0.0), ("b", 9.0, 6.0)]
    assert not step.complete


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            {"procedure": "supervised"},
            "`per_step` gives a step batches of all tasks, and `supervised` makes an",
        ),
        ({"train": {"mix": {"type": "per_step", "batches": 1}}}, "has none for some of the 2 tasks"),
        ({"train": {"mix": {"by": {"type": "per_step", "batches": 2}}}}, "says itself how many batches"),
        ({"train": {"mix": {"by": {"type": "constant", "rates": {"other": 1}}}}}, "there is no task `other`"),
        ({"train": {"mix": {"by": ADAPTIVE}}, "evaluate": {"every_steps": None}}, "and there is none"),
    ],
)
def test_what_does_not_fit_is_refused(tmp_path, change, said):
    base = {"procedure": "joint", "train": {"mix": {"type": "per_step", "batches": 3}}}
    spec = two_tasks(tmp_path, base, text=TASKS)
    spec.write_text(json.dumps(merged(json.loads(spec.read_text()), change)))

    with pytest.raises(SpecError) as told:
        compile_spec(spec)

    assert [one.message for one in told.value.diagnostics if said in one.message]
    assert len(told.value.diagnostics) == 1


@pytest.mark.parametrize(("wrong", "code"), [({"batchs": 3}, "SQ101"), ({"batches": "x"}, "SQ106")])
def test_a_slip_in_the_number_of_batches_is_one_message(tmp_path, wrong, code):
    change = {"procedure": "joint", "train": {"mix": {"type": "per_step", "by": "proportional", **wrong}}}
    found = validate_file(two_tasks(tmp_path, change, text=TASKS), Options())

    assert [one.code for one in found] == [code]
