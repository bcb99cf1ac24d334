from __future__ import annotations

import torch
from torch import nn

from seqspec.compile.build.parameter_claims import Claim, GroupRule
from seqspec.components.optimizer.adamw import Adamw
from seqspec.runtime.training.optimizers.optimizer_state import load_optimizer, optimizer_tensors
from seqspec.runtime.training.optimizers.parameter_groups import Mover
from seqspec.schema.catalogue import Catalogue
from seqspec.schema.optimizer.adamw import AdamwConfig
from seqspec.schema.types import Nothing

SETTINGS = {"schedule": {"type": "constant", "peak": 0.1}, "weight_decay": 0.5}


def mover(model: nn.Module, *groups: GroupRule) -> Mover:
    config = AdamwConfig.model_validate(SETTINGS, context=Catalogue())
    names = tuple(name for name, _ in model.named_parameters())
    return Mover(Claim(("optimizer",), Adamw(config, Nothing(), None), config, names, groups), model)


def model_of() -> nn.Module:
    torch.manual_seed(1)
    return nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3))


def moved(model: nn.Module, by: Mover, steps: int = 1) -> None:
    for step in range(1, steps + 1):
        model(torch.ones(2, 3)).square().sum().backward()
        by.set_rate(step)
        by.optimizer.step()
        by.optimizer.zero_grad()


def test_a_group_has_its_own_rate_and_weight_decay_and_keeps_the_rule_for_vectors():
    model = model_of()

    by = mover(model, GroupRule(("0.weight", "0.bias"), rate=0.25, weight_decay=0.125))
    by.set_rate(1)

    held = {id(p): group for group in by.optimizer.param_groups for p in group["params"]}
    told = {name: (held[id(p)]["lr"], held[id(p)]["weight_decay"]) for name, p in model.named_parameters()}
    assert told == {
        "0.weight": (0.025, 0.125),
        "0.bias": (0.025, 0.125),
        "1.weight": (0.1, 0.5),
        "1.bias": (0.1, 0.0),
    }


def test_a_group_without_settings_trains_to_the_same_bits():
    plain, grouped = model_of(), model_of()

    moved(plain, mover(plain), 3)
    moved(grouped, mover(grouped, GroupRule(("1.weight",))), 3)

    assert all(torch.equal(a, b) for a, b in zip(plain.parameters(), grouped.parameters(), strict=True))


def test_a_smaller_rate_takes_smaller_steps():
    model = model_of()
    before = model[0].weight.detach().clone()
    whole = model_of()

    moved(model, mover(model, GroupRule(("0.weight",), rate=0.5)))
    moved(whole, mover(whole))

    half, full = (model[0].weight - before).abs(), (whole[0].weight - before).abs()
    torch.testing.assert_close(half, full / 2, rtol=1e-5, atol=1e-7)


def test_the_state_of_groups_goes_through_named_tensors():
    one, other = model_of(), model_of()
    rule = GroupRule(("0.weight",), rate=0.5)
    first, again = mover(one, rule), mover(other, rule)
    moved(one, first, 2)
    other.load_state_dict(one.state_dict())

    load_optimizer(again.optimizer, other, optimizer_tensors([first.optimizer], one))
    moved(one, first, 2)
    moved(other, again, 2)

    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), other.parameters(), strict=True))
