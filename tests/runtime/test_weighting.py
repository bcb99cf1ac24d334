"""Weights of losses by uncertainty: what is learned, that it is written down, and that it is exact."""

import itertools
import math
import signal
import subprocess
import sys
from types import SimpleNamespace

import pytest
import torch

from seqspec.compile.build.program import build
from seqspec.compile.cost.parameter_count import counted
from seqspec.compile.pipeline import compile as compile_spec
from seqspec.compile.pipeline import recompile
from seqspec.compile.resolve.resolve import Overlay
from seqspec.components.weighting.uncertainty import Uncertainty
from seqspec.runtime.checkpoints.checkpoint import read_checkpoint
from seqspec.runtime.devices.launch import Launch
from seqspec.runtime.report.report import page
from seqspec.runtime.run import resume, run
from seqspec.runtime.run_folder.metrics_log import read_journal
from seqspec.schema.diagnostic import SpecError
from seqspec.schema.types import Auxiliary, Nothing
from seqspec.schema.weighting.uncertainty import UncertaintyConfig
from tests.two_tasks import two_tasks

LAUNCH = Launch(device="cpu", threads=1, quiet=True)
CHANGE = {
    "train": {"weighting": {"type": "uncertainty", "rate": 20.0}, "clip_norm": 1.0, "gradient_cosines": True}
}


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    root = tmp_path_factory.mktemp("weighted")
    spec = two_tasks(root, CHANGE)
    return SimpleNamespace(
        root=root, spec=spec, folder=run(compile_spec(spec), runs=root / "runs", launch=LAUNCH).folder
    )


def test_a_weighted_run_that_was_killed_ends_in_the_same_bits(trained):
    runs = trained.root / "killed"
    command = [sys.executable, "-m", "tests.two_tasks", str(trained.spec), str(runs), "6"]
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
    (cut,) = (runs / "two_tasks").glob("2*")

    resumed = resume(cut, launch=LAUNCH)

    assert resumed.folder.metrics.read_bytes() == trained.folder.metrics.read_bytes()
    for file in (trained.folder.checkpoints / "step-00000008").iterdir():
        assert file.read_bytes() == (cut / "checkpoints" / "step-00000008" / file.name).read_bytes()


def test_log_variances_are_learned_saved_and_written_down_by_name(trained):
    weights = read_checkpoint(trained.folder.checkpoints / "step-00000008", step=8).tensors["weights"]
    last = [line for line in read_journal(trained.folder.metrics) if line["event"] == "train"][-1]

    for task in ("asr", "mt"):
        held = float(weights[f"weighting.log_variance:{task}"])
        assert held > 0.01  # a loss above 1/2 is uncertain: its weight falls
        assert last[f"log_variance.{task}"] == held


def test_cosines_between_the_gradients_of_tasks_are_written_down(trained):
    lines = [line for line in read_journal(trained.folder.metrics) if line["event"] == "train"]
    found = [line["cosine.asr.mt"] for line in lines if "cosine.asr.mt" in line]

    assert found
    assert all(-1 <= value <= 1 and value != 0 for value in found)
    assert "cosine between the gradients" in page(trained.folder)


def test_a_task_without_a_turn_keeps_its_log_variance(trained):
    lines = [line for line in read_journal(trained.folder.metrics) if line["event"] == "train"]

    rested = [
        (task, before, after)
        for before, after in itertools.pairwise(lines)
        for task in ("asr", "mt")
        if f"loss.{task}" not in after
    ]
    assert rested
    assert all(
        before[f"log_variance.{task}"] == after[f"log_variance.{task}"] for task, before, after in rested
    )


def test_the_objective_is_that_of_the_paper():
    weighting = Uncertainty(
        UncertaintyConfig(fixed=["kl"]), {"a": Nothing(), "b": Nothing(), "kl": Nothing()}
    )
    with torch.no_grad():
        weighting.get_parameter("log_variance:a").fill_(math.log(4.0))

    found = weighting(
        {"a": (1.0, torch.tensor(8.0)), "b": (0.5, torch.tensor(3.0)), "kl": (0.1, torch.tensor(2.0))}
    )

    assert found.item() == pytest.approx(8 / 4 + math.log(4) / 2 + 0.5 * 3 + 0.1 * 2)


def test_a_log_variance_settles_where_the_paper_says():
    weighting = Uncertainty(UncertaintyConfig(), {"a": Nothing(), "b": Nothing()})
    optimizer = torch.optim.SGD(weighting.parameters(), lr=0.2)

    for _ in range(200):
        optimizer.zero_grad()
        weighting({"a": (1.0, torch.tensor(3.0)), "b": (0.5, torch.tensor(0.2))}).backward()
        optimizer.step()

    # The derivative -exp(-s) L + 1/2 is 0 at s = ln 2 L, whatever the loss's own weight.
    assert weighting.told()["log_variance.a"] == pytest.approx(math.log(6.0), abs=1e-4)
    assert weighting.told()["log_variance.b"] == pytest.approx(math.log(0.4), abs=1e-4)


def test_what_a_part_works_out_itself_keeps_its_weight():
    config = UncertaintyConfig()

    assert config.weighed({"nll": Nothing(), "encoder.halting": Auxiliary(weight=0.1)}) == ("nll",)


LOSSES = """
seqspec: 1
name: several_losses
data:
  source: {type: bitext, synthetic: 40, source_language: de, target_language: en}
  text: {source: {tokenizer: characters}, target: {tokenizer: characters}}
  filter: {max_source_tokens: 100, max_target_tokens: 100}
  batch: {unit: tokens, size: 200}
model:
  type: encoder_decoder
  encoder: {type: transformer, dim: 16, num_layers: 1, num_heads: 2, feed_forward_dim: 32}
  decoder: {type: transformer, num_layers: 1}
losses:
  nll: {type: cross_entropy, on: tokens}
  hard: {type: focal, on: tokens, weight: 0.5}
optimizer: {type: adamw, schedule: {type: constant, peak: 0.01}}
train: {max_steps: 6, checkpoint_every_steps: 6, log_every_steps: 3, weighting: uncertainty}
"""


def test_the_losses_of_one_model_are_weighed(tmp_path):
    (tmp_path / "losses.yaml").write_text(LOSSES)
    compiled = compile_spec(tmp_path / "losses.yaml")

    folder = run(compiled, runs=tmp_path, launch=LAUNCH).folder

    last = [line for line in read_journal(folder.metrics) if line["event"] == "train"][-1]
    assert last["log_variance.nll"] > 0.02
    assert last["log_variance.hard"] > 0.02
    assert last["loss"] == pytest.approx(last["loss.nll"] + 0.5 * last["loss.hard"])
    assert last["norm"] > 0
    told = recompile(compiled, facts=dict.fromkeys(compiled.plan.unknowns, 20))
    assert counted(told.plan) == build(told.plan, tree=told.tree, device="meta").num_parameters


def test_the_losses_of_tasks_are_weighed_together(tmp_path):
    losses = {"nll": {"type": "cross_entropy", "on": "tokens"}, "soft": {"type": "focal", "on": "tokens"}}
    spec = two_tasks(tmp_path, {"tasks": {"mt": {"losses": losses}}, "train": {"weighting": "uncertainty"}})
    both = compile_spec(spec).plan
    alone = compile_spec(spec, overlays=[Overlay.task("mt")]).plan

    assert dict(both.node("train", "weighting").takes).keys() == {"asr", "mt.nll", "mt.soft"}
    assert alone.experiment.train.weighting is None
    assert all(name.startswith("tasks.") for name in both.unknowns)
    told = recompile(compile_spec(spec), facts=dict.fromkeys(both.unknowns, 20))
    assert build(told.plan, tree=told.tree, device="meta").num_parameters == 3 + sum(
        size for name, size in _sizes(told) if not name.startswith("weighting.")
    )


def _sizes(compiled):
    return list(build(compiled.plan, tree=compiled.tree, device="meta").parameters())


@pytest.mark.parametrize(
    ("weighting", "said"),
    [
        ({"type": "uncertainty", "fixed": ["mtt"]}, "there is no loss `mtt`"),
        ({"type": "uncertainty", "fixed": ["asr", "mt"]}, "none of the losses is weighed"),
    ],
)
def test_wrong_names_are_refused(tmp_path, weighting, said):
    with pytest.raises(SpecError) as told:
        compile_spec(two_tasks(tmp_path, {"train": {"weighting": weighting}}))

    (only,) = told.value.diagnostics
    assert said in only.message
