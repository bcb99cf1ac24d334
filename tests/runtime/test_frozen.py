"""Parts that stand still: no gradient, no update, no decay, and exact when the run goes on."""

from __future__ import annotations

import pytest
import torch

from seqspec.runtime.checkpoints.retention import newest_sound
from seqspec.runtime.checkpoints.selection import chosen
from tests.runtime.fakes import program, start

PLAN = {"max_steps": 12, "ema": 0.9, "l2": 0.01, "clip_norm": 1.0}


def weights(module):
    return {name: tensor.detach().clone() for name, tensor in module.model.state_dict().items()}


def first():
    return program(**PLAN).model.state_dict()


@pytest.mark.parametrize("part", ["first", "norm"])
def test_a_frozen_part_never_moves(tmp_path, part):
    module = start(tmp_path, freeze=[{"parts": [f"model.{part}"]}], **PLAN)

    before, after = first(), weights(module)
    for name, tensor in after.items():
        assert torch.equal(tensor, before[name]) is name.startswith(f"{part}."), name
    state = chosen(tmp_path / "checkpoints", "last").tensors["optimizer"]
    assert not any(key.startswith(f"{part}.") for key in state)


def test_a_part_that_is_frozen_until_a_step_moves_from_the_next(tmp_path):
    freeze = [{"parts": ["model.first", "model.norm"], "until_step": 5}]
    start(tmp_path, freeze=freeze, **{**PLAN, "keep_last": 9})

    at = {step: chosen(tmp_path / "checkpoints", f"step-{step:08d}").tensors for step in (5, 10)}
    before = first()
    for name, tensor in at[5]["weights"].items():
        assert torch.equal(tensor, before[name]) is not name.startswith("last."), name
    moved = [name for name in before if not torch.equal(at[10]["weights"][name], before[name])]
    assert {name.partition(".")[0] for name in moved} == {"first", "norm", "last"}
    assert at[10]["optimizer"]["first.weight/step"].item() == 5


def test_the_others_learn_as_if_the_part_had_no_parameters(tmp_path):
    always = start(tmp_path / "a", freeze=[{"parts": ["model.first"]}], **PLAN)
    until = start(tmp_path / "u", freeze=[{"parts": ["model.first"], "until_step": 12}], **PLAN)

    for name, tensor in weights(always).items():
        assert torch.equal(weights(until)[name], tensor), name


@pytest.mark.parametrize("stop", [4, 5, 6])
def test_a_run_with_frozen_parts_goes_on_exactly(tmp_path, stop):
    freeze = [{"parts": ["model.first", "model.norm"], "until_step": 5}, {"parts": ["model.last"]}]
    settings = {**PLAN, "freeze": freeze, "checkpoint_every_steps": stop, "log_every_steps": 1}
    whole = start(tmp_path / "whole", **settings)
    start(tmp_path / "part", **{**settings, "max_steps": stop})
    saved = newest_sound(tmp_path / "part" / "checkpoints", print)

    module = start(tmp_path / "part", resume=saved, **settings)

    for name, tensor in weights(whole).items():
        assert torch.equal(weights(module)[name], tensor), name
    theirs = whole.tensors()
    for file, held in module.tensors().items():
        assert held.keys() == theirs[file].keys()
        assert all(torch.equal(held[key], theirs[file][key]) for key in held)
