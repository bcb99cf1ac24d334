from __future__ import annotations

import math

import pytest
import torch

from seqspec.components.loss._loss import Loss
from seqspec.components.losses import NamedLoss
from seqspec.runtime.checkpoints.checkpoint import Checkpoint
from seqspec.runtime.checkpoints.retention import newest_sound, steps_of
from seqspec.runtime.checkpoints.tensor_file import digest_all
from seqspec.runtime.training.losses.objective import Objective
from seqspec.runtime.training.stop_reasons import NotFinite
from seqspec.runtime.training.training_module import Training
from seqspec.schema.diagnostic import Exit, RunError
from tests.runtime import fakes
from tests.runtime.fakes import start

torch.set_num_threads(1)


def digest(module: Training) -> str:
    return digest_all(
        {f"{file}/{name}": t for file, ts in module.tensors().items() for name, t in ts.items()}
    )


def resumed(folder, say=lambda text: None) -> Checkpoint:
    found = newest_sound(folder / "checkpoints", say)
    assert found is not None
    return found


JUDGED = {"every_steps": 4, "metrics": ["wer"]}


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"accumulate": 3},
        {"ema": 0.9, "weight_noise": {"std": 0.01, "from_step": 3}},
        {
            "precision": "float16",
            "loss_scale": {"initial": 2.0**30, "growth_every_steps": 2},
            "accumulate": 2,
        },
        {"adaptive_clip": {"decay": 0.5, "threshold": 1.0}, "l2": 1e-3, "clip_norm": 1.0},
    ],
)
def test_a_run_that_was_cut_off_ends_in_the_same_bits(tmp_path, settings):
    whole = start(tmp_path / "whole", max_steps=17, evaluate=JUDGED, **settings)
    lost = LostAt(tmp_path / "cut", step=12, max_steps=17, evaluate=JUDGED, **settings)

    again = start(tmp_path / "cut", resume=lost, max_steps=17, evaluate=JUDGED, **settings)

    assert lost.step == 10
    assert digest(again) == digest(whole)
    assert (tmp_path / "cut/metrics.jsonl").read_bytes() == (tmp_path / "whole/metrics.jsonl").read_bytes()
    assert resumed(tmp_path / "cut").state == resumed(tmp_path / "whole").state


class Crash(Exception):
    pass


def LostAt(folder, *, step, **settings) -> Checkpoint:
    """A run that is cut off while it judges, as near to a kill as one process gets; gives what is left."""

    def evaluate_at(at: int):
        if at >= step:
            raise Crash
        from seqspec.runtime.training.step_boundary import EvaluationResult

        return EvaluationResult({"dev": {"wer": 1 / at}}, -1 / at)

    with pytest.raises(Crash):
        start(folder, evaluate_at=evaluate_at, **settings)
    return resumed(folder)


def test_a_number_that_is_not_finite_stops_the_run_and_names_its_rows(tmp_path):
    with pytest.raises(NotFinite) as caught:
        start(tmp_path, max_steps=10, poison=7)

    assert caught.value.step == 8
    assert caught.value.rows == [(7, [7, 8, 9, 10, 11, 12])]
    assert steps_of(tmp_path / "checkpoints") == [5]


def test_a_loss_of_infinity_stops_the_run_though_its_gradient_is_finite(tmp_path, monkeypatch):
    measured = Objective.__call__

    def infinite(self, phase, batch, *, step):
        found = measured(self, phase, batch, step=step)
        return found._replace(objective=found.objective * 0.0 + math.inf)

    monkeypatch.setattr(Objective, "__call__", infinite)

    with pytest.raises(NotFinite) as caught:
        start(tmp_path, max_steps=3)

    assert caught.value.step == 1


def test_what_held_a_number_may_come_to_hold_a_part(tmp_path):
    module = start(tmp_path, max_steps=1)
    module.extra = 3
    module.extra = 4

    module.extra = torch.nn.Linear(1, 1)

    assert dict(module.named_children())["extra"] is module.extra


@pytest.mark.parametrize(("poison", "kept"), [(4, []), (6, [5]), (7, [5]), (9, [5])])
def test_a_norm_that_is_read_late_stops_the_run_before_anything_is_written(
    tmp_path, monkeypatch, poison, kept
):
    monkeypatch.setattr(Training, "waits", False)

    with pytest.raises(NotFinite) as caught:
        start(tmp_path, max_steps=10, poison=poison, clip_norm=0.5)

    assert caught.value.step == poison + 1
    assert caught.value.rows == [(poison, list(range(poison, poison + 6)))]
    assert steps_of(tmp_path / "checkpoints") == kept
    assert "NaN" not in (tmp_path / "metrics.jsonl").read_text()


def test_reading_norms_late_trains_the_same(tmp_path, monkeypatch):
    settings = {"max_steps": 11, "clip_norm": 0.5, "accumulate": 2}
    at_once = start(tmp_path / "at_once", **settings)
    monkeypatch.setattr(Training, "waits", False)

    late = start(tmp_path / "late", **settings)

    for one, other in zip(late.model.parameters(), at_once.model.parameters(), strict=True):
        torch.testing.assert_close(one, other, atol=1e-6, rtol=1e-5)
    lines = [(tmp_path / name / "metrics.jsonl").read_text().split("\n") for name in ("late", "at_once")]
    assert len(lines[0]) == len(lines[1]) == 5


def test_a_budget_skips_steps_that_are_not_finite(tmp_path):
    module = start(tmp_path, max_steps=10, poison=7, skip_non_finite=1)

    assert module.finite.skipped == 1
    assert all(torch.isfinite(value).all() for value in module.model.state_dict().values())
    assert "NaN" not in (tmp_path / "metrics.jsonl").read_text()


def test_early_stopping_waits_and_then_stops(tmp_path):
    from seqspec.runtime.training.step_boundary import EvaluationResult

    evaluate = {"every_steps": 2, "metrics": ["wer"], "stop": {"after": 2}}

    module = start(
        tmp_path, max_steps=50, evaluate=evaluate, evaluate_at=lambda step: EvaluationResult({}, 1.0)
    )

    assert module.step == 6
    assert steps_of(tmp_path / "checkpoints")[-1] == 6


def test_keeping_last_best_and_every(tmp_path):
    scores = {4: -1.0, 8: 5.0, 12: 0.0, 16: 0.0, 20: 0.0}
    from seqspec.runtime.training.step_boundary import EvaluationResult

    start(
        tmp_path,
        max_steps=20,
        checkpoint_every_steps=4,
        keep_every_steps=12,
        evaluate={"every_steps": 4, "metrics": ["wer"]},
        evaluate_at=lambda step: EvaluationResult({}, scores[step]),
    )

    assert steps_of(tmp_path / "checkpoints") == [8, 12, 16, 20]


class LeftOut:
    """A loss that counts no target from ``rows`` of a batch on."""

    def __init__(self, rows: int) -> None:
        self.rows = rows
        self.left_out = {"too_short": "sources have too few states for their target"}

    def __call__(self, given, target):
        kept = (given - target)[: self.rows]
        short = torch.tensor(float(len(given) - self.rows))
        return Loss(
            kept.square().sum() + 0 * given.sum(), torch.tensor(float(self.rows)), {"too_short": short}
        )


def test_a_run_that_can_learn_nothing_stops_and_says_why(tmp_path, monkeypatch):
    monkeypatch.setattr(fakes, "ONE", {"loss": NamedLoss("values", LeftOut(0))})

    with pytest.raises(RunError, match="in the first 3 steps: 18 sources have too few states") as told:
        fakes.start(tmp_path, max_steps=9)

    assert told.value.exit is Exit.DATA


def test_examples_that_are_left_out_are_told_once(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(fakes, "ONE", {"loss": NamedLoss("values", LeftOut(4))})

    module = fakes.start(tmp_path, max_steps=9)

    assert module.targets.learned
    assert (
        capsys.readouterr().err.count("6 sources have too few states for their target: they are left out")
        == 1
    )
