"""Steps that take a batch of each task: PCGrad, and the plain sum."""

import math
import signal
import subprocess
import sys
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch

from seqspec.compile.pipeline import compile as compile_spec
from seqspec.compile.resolve.resolve import Overlay
from seqspec.components.procedure.gradnorm import SMALLEST, balanced
from seqspec.components.procedure.joint import Joint
from seqspec.components.procedure.pcgrad import Pcgrad
from seqspec.data.batching.turns import Rounds
from seqspec.runtime.checkpoints.checkpoint import read_checkpoint
from seqspec.runtime.devices.launch import Launch
from seqspec.runtime.run import resume, run
from seqspec.runtime.run_folder.metrics_log import read_journal
from seqspec.runtime.training.joint_step import Held, culprit
from seqspec.schema.diagnostic import SpecError
from seqspec.schema.procedure.joint import JointConfig
from seqspec.schema.procedure.pcgrad import PcgradConfig
from seqspec.schema.types import Nothing
from tests.two_tasks import two_tasks

LAUNCH = Launch(device="cpu", threads=1, quiet=True)
CHANGE = {
    "procedure": "pcgrad",
    "train": {"max_steps": 6, "checkpoint_every_steps": 2, "accumulate": 2, "gradient_cosines": True},
    "evaluate": {"every_steps": 6},
}


def pcgrad(*gradients, seed=0):
    """Of one parameter."""
    generator = torch.Generator().manual_seed(seed)
    rows = [[torch.tensor(one)] for one in gradients]
    return Pcgrad(PcgradConfig(), Nothing()).combine(rows, generator)[0]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    root = tmp_path_factory.mktemp("joint")
    spec = two_tasks(root, CHANGE)
    return SimpleNamespace(
        root=root, spec=spec, folder=run(compile_spec(spec), runs=root / "runs", launch=LAUNCH).folder
    )


def test_a_joint_run_that_was_killed_between_two_tasks_ends_in_the_same_bits(trained):
    runs = trained.root / "killed"
    command = [sys.executable, "-m", "tests.two_tasks", str(trained.spec), str(runs), "10"]
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
    (cut,) = (runs / "two_tasks").glob("2*")

    resumed = resume(cut, launch=LAUNCH)

    assert resumed.folder.metrics.read_bytes() == trained.folder.metrics.read_bytes()
    for file in (trained.folder.checkpoints / "step-00000006").iterdir():
        assert file.read_bytes() == (cut / "checkpoints" / "step-00000006" / file.name).read_bytes()


def test_every_step_serves_every_task(trained):
    lines = [line for line in read_journal(trained.folder.metrics) if line["event"] == "train"]

    assert len(lines) == 3
    for line in lines:
        assert {"loss.asr", "loss.mt", "norm.asr", "norm.mt", "cosine.asr.mt", "rate"} <= line.keys()
    tasks = trained.folder.read("tasks.json")["tasks"]
    assert {name: about["turns"] for name, about in tasks.items()} == {"asr": 6, "mt": 6}


def test_a_joint_step_is_one_update_on_the_sum(tmp_path):
    """With SGD a step on both is the sum of a step on each from the same weights."""
    plain = {"train": {"max_steps": 1, "checkpoint_every_steps": 1}, "evaluate": {"every_steps": None},
             "optimizer": {"type": "sgd"}}  # fmt: skip

    def weights(name, change):
        (tmp_path / name).mkdir()
        spec = two_tasks(tmp_path / name, {**plain, **change})
        folder = run(compile_spec(spec), runs=tmp_path / name, launch=LAUNCH).folder
        return read_checkpoint(folder.checkpoints / "step-00000001", step=1).tensors["weights"]

    zero = weights(
        "zero",
        {"procedure": "joint", "optimizer": {"type": "sgd", "schedule": {"type": "constant", "peak": 1e-12}}},
    )
    both, asr, mt = (
        weights(f"w{a}{m}", {"procedure": "joint", "tasks": {"asr": {"weight": a}, "mt": {"weight": m}}})
        for a, m in ((1, 1), (1, 0), (0, 1))
    )

    name = next(one for one in both if one.startswith("shared.body") and both[one].ndim == 2)
    moved = [one[name] - zero[name] for one in (both, asr, mt)]
    assert all(one.abs().max() > 1e-6 for one in moved)
    torch.testing.assert_close(moved[0], moved[1] + moved[2], atol=1e-7, rtol=1e-4)


def test_gradients_that_go_against_each_other_are_projected():
    """(1, 1) loses what goes against (-1, 0.5), and the other way round: (0.6, 1.2) + (-0.75, 0.75)."""
    torch.testing.assert_close(pcgrad((1.0, 1.0), (-1.0, 0.5)), torch.tensor([-0.15, 1.95]))


def test_gradients_that_agree_are_added():
    torch.testing.assert_close(pcgrad((1.0, 1.0), (0.0, 2.0)), torch.tensor([1.0, 3.0]))


def test_the_order_of_projections_is_drawn():
    three = ((1.0, 0.0, 0.2), (-1.0, 0.5, 0.0), (-0.5, -1.0, 0.3))

    found = {tuple(pcgrad(*three, seed=seed).tolist()) for seed in range(12)}

    assert len(found) > 1
    assert pcgrad(*three, seed=3).equal(pcgrad(*three, seed=3))


@pytest.mark.parametrize("procedure", [Joint(JointConfig(), Nothing()), Pcgrad(PcgradConfig(), Nothing())])
def test_what_one_task_trains_keeps_its_gradient(procedure):
    shared, own = torch.ones(2, 2), torch.tensor([3.0])

    found = procedure.combine([[shared, own, None], [shared, None, None]], torch.Generator())

    assert found[0].equal(2 * shared)
    assert found[1].equal(own)
    assert found[2] is None


def test_rounds_give_each_task_its_next_batch():
    rounds = Rounds({"a": 10, "b": 3})

    assert [rounds.at(number) for number in range(4)] == [("a", 0), ("b", 0), ("a", 1), ("b", 1)]
    assert rounds.counts(5) == {"a": 3, "b": 2}


def test_the_task_whose_gradient_is_not_finite_is_named():
    held = [Held("a", [], 1.0, (), []), Held("b", [], math.nan, (), []), Held("c", [], 2.0, (), [])]

    assert culprit(held).task == "b"


def test_one_task_alone_is_trained_as_any_other(tmp_path):
    alone = compile_spec(two_tasks(tmp_path, CHANGE), overlays=[Overlay.task("mt")]).plan

    assert alone.experiment.procedure.component == ("procedure", "supervised")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"train": {"mix": "proportional"}}, "a step of `pcgrad` takes a batch of each task: none is drawn"),
        (
            {"optimizer": None, "optimizers": {"a": {"type": "adam"}, "b": {"type": "adam"}}},
            "the spec names 2",
        ),
    ],
)
def test_what_does_not_fit_is_refused(tmp_path, change, said):
    with pytest.raises(SpecError) as told:
        compile_spec(two_tasks(tmp_path, {"procedure": "pcgrad", **change}))

    assert any(said in one.message for one in told.value.diagnostics)


def test_weights_follow_the_gradients_of_gradnorm_s_objective():
    """Against autograd on Chen et al.'s equation 2, the targets held constant."""
    weights, norms, ratios = [1.2, 0.7, 1.1], [2.0, 0.5, 1.0], [0.9, 0.3, 0.6]
    w = torch.tensor(weights, dtype=torch.float64, requires_grad=True)
    own = w * torch.tensor(norms, dtype=torch.float64)
    relative = torch.tensor(ratios, dtype=torch.float64) / (sum(ratios) / 3)
    (own - (own.mean() * relative**1.5).detach()).abs().sum().backward()
    expected = (w - 0.1 * w.grad).detach()

    found = balanced(weights, norms, ratios, alpha=1.5, rate=0.1)

    torch.testing.assert_close(
        torch.tensor(found, dtype=torch.float64), expected * 3 / expected.sum(), atol=0, rtol=1e-12
    )


def test_no_weight_of_gradnorm_is_lost():
    found = balanced([1.0, 1.0], [100.0, 0.1], [1.0, 1.0], alpha=0.0, rate=1.0)

    assert found[0] == pytest.approx(SMALLEST * 2 / (SMALLEST + 1.1))
    assert sum(found) == pytest.approx(2)


def test_gradnorm_goes_on_with_its_weights_after_a_pause(tmp_path):
    change = {**CHANGE, "procedure": {"type": "gradnorm", "rate": 0.2}}
    spec = two_tasks(tmp_path, change)
    whole = run(compile_spec(spec), runs=tmp_path / "whole", launch=LAUNCH).folder
    cut = run(compile_spec(spec), runs=tmp_path / "cut", launch=replace(LAUNCH, pause_at=4)).folder
    assert "stopped after step 4 of" in cut.report.read_text()

    resume(cut.path, launch=LAUNCH)

    assert cut.metrics.read_bytes() == whole.metrics.read_bytes()
    last = [line for line in read_journal(whole.metrics) if line["event"] == "train"][-1]
    assert last["weight.asr"] + last["weight.mt"] == pytest.approx(2)
    assert abs(last["weight.asr"] - 1) > 1e-3
