from __future__ import annotations

import pytest
import torch

from seqspec.runtime.training.optimizers.optimizer_state import load_optimizer, optimizer_tensors
from seqspec.schema.catalogue import Catalogue
from seqspec.schema.types import Nothing

NAMES = Catalogue().names("optimizer")


def built(name: str, model: torch.nn.Module, **settings):
    catalogue = Catalogue()
    config = catalogue.config("optimizer", name).model_validate(
        {"schedule": {"type": "constant", "peak": 0.05}, **settings}, context=catalogue
    )
    return catalogue.module("optimizer", name)(config, Nothing(), None).build(model.named_parameters())


def model_of(seed: int) -> torch.nn.Module:
    torch.manual_seed(seed)
    return torch.nn.Sequential(torch.nn.Linear(4, 6), torch.nn.Tanh(), torch.nn.Linear(6, 1))


def steps(model, optimizer, first: int, last: int) -> None:
    for number in range(first, last):
        x = torch.randn(8, 4, generator=torch.Generator().manual_seed(number))
        optimizer.zero_grad()
        (model(x) - x.sum(1, keepdim=True)).square().mean().backward()
        optimizer.step()


@pytest.mark.parametrize("name", NAMES)
def test_every_optimiser_makes_the_loss_small(name):
    model = model_of(1)
    x = torch.randn(64, 4)
    before = (model(x) - x.sum(1, keepdim=True)).square().mean().item()

    steps(model, built(name, model), 0, 60)

    assert (model(x) - x.sum(1, keepdim=True)).square().mean().item() < before / 2


@pytest.mark.parametrize("name", NAMES)
def test_state_goes_through_named_tensors_unchanged(name):
    model = model_of(1)
    optimizer = built(name, model)
    steps(model, optimizer, 0, 3)
    other = model_of(2)
    other.load_state_dict(model.state_dict())
    again = built(name, other)

    load_optimizer(again, other, optimizer_tensors([optimizer], model))
    steps(model, optimizer, 3, 6)
    steps(other, again, 3, 6)

    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), other.parameters(), strict=True))


def test_weight_decay_leaves_vectors_alone():
    model = model_of(1)
    before = [parameter.detach().clone() for parameter in model.parameters()]
    optimizer = built("adamw", model, weight_decay=0.5)

    for parameter in model.parameters():
        parameter.grad = torch.zeros_like(parameter)
    optimizer.step()

    for old, new in zip(before, model.parameters(), strict=True):
        assert torch.equal(old, new) == (old.ndim == 1)


def test_amsgrad_is_a_flag_of_adam():
    model = model_of(1)
    optimizer = built("adam", model, amsgrad=True)

    steps(model, optimizer, 0, 1)

    assert any("max_exp_avg_sq" in name for name in optimizer_tensors([optimizer], model))
