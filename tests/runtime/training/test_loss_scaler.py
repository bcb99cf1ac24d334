"""Training in float16: the loss is scaled, steps that overflow are dropped and told, and nothing else is lost."""

import json

import pytest
import torch

from seqspec.runtime.checkpoints.retention import steps_of
from seqspec.runtime.training.optimizers.loss_scaler import LossScaler
from seqspec.runtime.training.stop_reasons import NotFinite, ScaleCollapsed
from seqspec.schema.diagnostic import Exit
from seqspec.schema.sections.train import LossScale
from tests.runtime.fakes import start
from tests.runtime.test_phases import TWO


def journal(folder):
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def test_the_scale_halves_on_an_overflow_and_doubles_after_many_finite_steps():
    scaler = LossScaler(LossScale(initial=8.0, growth_every_steps=3, least=2.0))

    within = [scaler.follow(finite=finite) for finite in (True, True, False, True, True, True, False, False)]

    assert within == [True] * 8
    assert (scaler.value, scaler.overflows) == (2.0, 3)
    assert not scaler.follow(finite=False)


def test_gradients_come_back_to_the_bit():
    weight = torch.nn.Parameter(torch.randn(7))
    scaler = LossScaler(LossScale())
    gradient = torch.randn(7)
    weight.grad = gradient * scaler.value

    scaler.unscale([weight, torch.nn.Parameter(torch.ones(2))])

    assert torch.equal(weight.grad, gradient)


def test_steps_that_overflow_are_dropped_and_told(tmp_path):
    scale = {"initial": 2.0**20, "growth_every_steps": 100}
    module = start(tmp_path, max_steps=18, precision="float16", loss_scale=scale)

    lines = journal(tmp_path)
    overflows = lines[-1]["overflows"]
    assert 3 < overflows < 15
    assert sum(line.get("dropped", 0) for line in lines) == overflows
    assert lines[-1]["loss_scale"] == 2.0 ** (20 - overflows)
    assert module.finite.skipped == 0  # the budget of `skip_non_finite` is for losses
    assert lines[-1]["loss"] < next(line["loss"] for line in lines if "loss" in line)


def test_loss_and_gradient_are_those_of_float32_but_for_rounding(tmp_path):
    start(tmp_path / "low", max_steps=1, precision="float16", loss_scale={"initial": 1024.0}, clip_norm=1.0)
    start(tmp_path / "high", max_steps=1, clip_norm=1.0)

    low, high = journal(tmp_path / "low")[0], journal(tmp_path / "high")[0]
    assert low["overflows"] == 0
    assert low["norm"] != high["norm"]
    assert low["norm"] == pytest.approx(high["norm"], rel=5e-3)
    assert low["loss"] == pytest.approx(high["loss"], rel=5e-3)


def test_a_scale_that_collapses_stops_the_run(tmp_path):
    scale = {"initial": 2.0**30, "least": 2.0**28}
    with pytest.raises(
        ScaleCollapsed, match=r"step 3 leaves float16 even where the loss is scaled"
    ) as caught:
        start(tmp_path, max_steps=10, precision="float16", loss_scale=scale)

    assert caught.value.exit is Exit.NON_FINITE
    assert caught.value.rows == [(2, list(range(2, 8)))]
    assert "bfloat16" in caught.value.remedy
    assert steps_of(tmp_path / "checkpoints") == []


def test_a_loss_that_is_not_finite_is_not_put_down_to_the_scale(tmp_path):
    with pytest.raises(NotFinite, match="the loss or the gradient of step 8") as caught:
        start(tmp_path, max_steps=10, precision="float16", poison=7)

    assert not isinstance(caught.value, ScaleCollapsed)
    assert "65,504" in caught.value.remedy


def test_each_phase_has_its_own_scale(tmp_path):
    module = start(tmp_path, max_steps=4, precision="float16", **TWO)

    assert set(module.numbers()["loss_scale"]) == {"critic", "generator"}
    assert {"critic/loss_scale", "generator/overflows"} <= journal(tmp_path)[-1].keys()
