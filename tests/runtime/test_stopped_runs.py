"""What a signal leaves behind changes no result: only checkpoints of the plan may be chosen."""

from __future__ import annotations

import os
import signal

import pytest
import torch

from seqspec.runtime.checkpoints.retention import Retention, newest_sound, prune, steps_of
from seqspec.runtime.checkpoints.selection import chosen
from seqspec.runtime.checkpoints.training_state import TrainingState
from seqspec.runtime.run_folder.folder import RunFolder
from seqspec.runtime.training.step_boundary import EvaluationResult
from tests.runtime.fakes import start

PLAN = {
    "max_steps": 60,
    "checkpoint_every_steps": 15,
    "log_every_steps": 7,
    "evaluate": {"every_steps": 10, "metrics": ["accuracy"]},
}
SCORES = {10: 0.1, 20: 0.2, 30: 0.3, 40: 0.5, 50: 0.72, 60: 0.64}


def evaluation(term_at=None):
    def evaluate_at(step):
        if step == term_at:
            os.kill(os.getpid(), signal.SIGTERM)
        return EvaluationResult({"dev": {"accuracy": SCORES[step]}}, SCORES[step])

    return evaluate_at


def resumed(folder, **settings):
    saved = newest_sound(folder / "checkpoints", print)
    assert saved is not None
    return start(folder, resume=saved, **settings)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    start(folder, evaluate_at=evaluation(), **PLAN)
    return folder


@pytest.mark.parametrize("step", [10, 20, 40, 50])
def test_a_signal_at_an_evaluation_changes_no_choice(whole, tmp_path, step):
    stopped = start(tmp_path, evaluate_at=evaluation(step), **PLAN)
    assert stopped.step == step

    resumed(tmp_path, evaluate_at=evaluation(), **PLAN)

    assert steps_of(tmp_path / "checkpoints") == steps_of(whole / "checkpoints")
    assert (tmp_path / "metrics.jsonl").read_bytes() == (whole / "metrics.jsonl").read_bytes()
    for name in ("best", "last", "average", "average:2"):
        ours, theirs = chosen(tmp_path / "checkpoints", name), chosen(whole / "checkpoints", name)
        assert ours.step == theirs.step, name
        for key, tensor in theirs.tensors["weights"].items():
            assert torch.equal(ours.tensors["weights"][key], tensor), (name, key)


def test_the_best_checkpoint_is_one_that_the_plan_writes(whole):
    assert chosen(whole / "checkpoints", "best").step == 60


def test_a_stopped_run_has_a_best_checkpoint_of_its_plan(tmp_path):
    start(tmp_path, evaluate_at=evaluation(50), **PLAN)

    assert steps_of(tmp_path / "checkpoints") == [30, 45, 50]
    assert chosen(tmp_path / "checkpoints", "best").step == 30
    assert chosen(tmp_path / "checkpoints", "last").step == 50


def test_a_longer_run_gives_the_bits_of_one_that_was_planned_so(whole, tmp_path):
    shorter = {**PLAN, "max_steps": 40}
    start(tmp_path, evaluate_at=evaluation(), **shorter)
    saved = newest_sound(tmp_path / "checkpoints", print)
    training_state = TrainingState.from_json(saved.state["standing"])
    assert training_state.scores.keys() == {10, 20, 30, 40}

    extend(tmp_path)

    same(tmp_path, whole)


def test_an_end_off_every_period_leaves_no_trace_in_a_longer_run(whole, tmp_path):
    start(tmp_path, evaluate_at=lambda step: EvaluationResult({"dev": {"accuracy": 0.9}}, 0.9) if step == 38
          else evaluation()(step), **{**PLAN, "max_steps": 38})  # fmt: skip
    assert b'"step": 38' in (tmp_path / "metrics.jsonl").read_bytes()

    extend(tmp_path)

    same(tmp_path, whole)


def extend(folder):
    """Go on to the end of the plan, killed once on the way."""
    from seqspec.schema.catalogue import Catalogue
    from seqspec.schema.sections.evaluate import Evaluate

    evaluate = Evaluate.model_validate(PLAN["evaluate"], context=Catalogue())
    for evaluate_at in (evaluation(50), evaluation()):
        saved = newest_sound(folder / "checkpoints", print)
        training_state = TrainingState.from_json(saved.state["standing"]).for_plan(
            PLAN["max_steps"], evaluate
        )
        start(folder, resume=saved, training_state=training_state, evaluate_at=evaluate_at, **PLAN)


def same(folder, other):
    assert (folder / "metrics.jsonl").read_bytes() == (other / "metrics.jsonl").read_bytes()
    for name in ("best", "last"):
        ours, theirs = chosen(folder / "checkpoints", name), chosen(other / "checkpoints", name)
        assert ours.step == theirs.step
        for file, held in theirs.tensors.items():
            for key, tensor in held.items():
                assert torch.equal(ours.tensors[file][key], tensor), (name, file, key)


def test_an_interrupted_deletion_is_made_good(tmp_path):
    start(tmp_path, evaluate_at=evaluation(), **PLAN)
    checkpoints = RunFolder(tmp_path).checkpoints
    extra = checkpoints / "step-00000030"
    (checkpoints / "step-00000045").rename(extra)
    training_state = TrainingState.from_json(newest_sound(checkpoints, print).state["standing"])

    prune(
        checkpoints,
        retention=Retention(last=1),
        scores=training_state.scores,
        planned=training_state.planned,
        newest=60,
    )

    assert steps_of(checkpoints) == [60]
