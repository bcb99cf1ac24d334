"""Promises of every router, by the folder listing."""

from __future__ import annotations

import pytest
import torch

from seqspec.schema.catalogue import Catalogue
from seqspec.schema.config import Mismatch
from seqspec.schema.types import States

from .routers import mask, router, states

NAMES = Catalogue().names("router")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("training", [True, False])
def test_padding_goes_nowhere_and_changes_nothing(name, training):
    built = router(name, z_weight=0.1).train(training)
    x_BTD, real_BT = states(2, 5), mask(5, 3)
    longer_BTD = torch.cat([x_BTD, torch.full((2, 2, 8), 9.0)], 1)

    torch.manual_seed(3)
    short = built(x_BTD[:1], real_BT[:1])
    torch.manual_seed(3)
    padded = built(longer_BTD[:1, :5], real_BT[:1])
    routing = built(longer_BTD, mask(5, 3, size=7))

    assert not routing.kept_BTK[0, 5:].any()
    assert not routing.asked_BTK[1, 3:].any()
    assert routing.losses.keys() == set(built.auxiliary)
    assert all(value.shape == (2,) for value in routing.losses.values())
    if not training:
        for name_ in routing.losses:
            torch.testing.assert_close(routing.losses[name_][:1], short.losses[name_], atol=1e-6, rtol=1e-6)
    torch.testing.assert_close(short.weight_BTK, padded.weight_BTK)


@pytest.mark.parametrize("name", NAMES)
def test_a_sequence_is_routed_as_if_it_were_alone(name):
    built = router(name, z_weight=0.1).eval()
    x_BTD, real_BT = states(3, 6), mask(6, 4, 1)

    together = built(x_BTD, real_BT)
    alone = built(x_BTD[1:2], real_BT[1:2])

    assert torch.equal(together.kept_BTK[1:2], alone.kept_BTK)
    kept = alone.kept_BTK
    assert torch.equal(together.chosen_BTK[1:2][kept], alone.chosen_BTK[kept])
    torch.testing.assert_close(together.weight_BTK[1:2], alone.weight_BTK)
    for name_, value_B in alone.losses.items():
        torch.testing.assert_close(together.losses[name_][1:2], value_B)


@pytest.mark.parametrize("name", [name for name in NAMES if name != "expert_choice"])
def test_equal_scores_choose_the_first_experts(name):
    built = router(name, num_experts=8).eval()
    torch.nn.init.zeros_(built.scores.weight_ED)

    chosen = built(states(1, 4), mask(4)).chosen_BTK

    assert chosen.tolist() == [[list(range(chosen.shape[-1]))] * 4]


@pytest.mark.parametrize("name", NAMES)
def test_losses_reach_the_scores(name):
    built = router(name, z_weight=0.1)

    sum(value.sum() for value in built(states(2, 5), mask(5, 4)).losses.values()).backward()

    assert built.scores.weight_ED.grad.abs().sum() > 0


@pytest.mark.parametrize("name", NAMES)
def test_declared_parameters_are_those_that_are_built(name):
    built = router(name)
    config = Catalogue().config("router", name).model_validate({"num_experts": 4}, context=Catalogue())

    assert config.parameters({"source": States(8)}) == sum(p.numel() for p in built.parameters())


def test_what_looks_ahead_is_refused_in_a_decoder():
    config = Catalogue().config("router", "expert_choice").model_validate({"num_experts": 4})

    with pytest.raises(Mismatch, match="look ahead"):
        config.output(States(8, causal=True))


@pytest.mark.parametrize(("name", "keys"), [("noisy_top_k", {"k": 4}), ("bias_balanced", {"k": 5})])
def test_more_choices_than_experts_are_refused(name, keys):
    config = Catalogue().config("router", name).model_validate({"num_experts": 4, **keys})

    with pytest.raises(Mismatch):
        config.output(States(8))
