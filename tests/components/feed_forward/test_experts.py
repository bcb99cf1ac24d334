from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional

from seqspec.components._layers.feed_forward import activate
from seqspec.components._layers.grouped import grouped_product, segments
from seqspec.components.feed_forward.experts import Experts
from seqspec.schema.catalogue import Catalogue
from seqspec.schema.types import States
from tests.components.router.routers import mask, router, states


def experts(name="bias_balanced", *, dim=8, inner=12, num_experts=4, shared=0, activation="relu", **keys):
    catalogue = Catalogue()
    config = catalogue.config("feed_forward", "experts").model_validate(
        {
            "num_experts": num_experts,
            "inner_dim": inner,
            "activation": activation,
            "dropout": 0.0,
            "shared_experts": shared,
            "router": {"type": name, **keys},
        },
        context=catalogue,
    )
    built = router(name, dim=dim, num_experts=num_experts, **keys)
    return Experts(config, States(dim), lambda part: built)


def dense(layer, x_BTD, real_BT):
    """The same with every expert applied to every position, weighed by what the router says."""
    routing = layer.router(x_BTD, real_BT)
    given = torch.zeros_like(x_BTD)
    for expert in range(layer.num_experts):
        inner = activate(x_BTD @ layer.expand_EDF[expert], layer.activation, product=False)
        weight = (routing.weight_BTK * routing.kept_BTK * (routing.chosen_BTK == expert)).sum(-1)
        given = given + weight[..., None] * (inner @ layer.contract_EFD[expert])
    return given


@pytest.mark.parametrize("name", Catalogue().names("router"))
@pytest.mark.parametrize(("activation", "inner"), [("relu", 12), ("swiglu", 7)])
def test_equals_all_experts_applied_to_all_positions(name, activation, inner):
    layer = experts(name, activation=activation, inner=inner).eval()
    x_BTD, real_BT = states(3, 6), mask(6, 4, 1)

    torch.testing.assert_close(
        layer(x_BTD, real_BT), dense(layer, x_BTD, real_BT) * real_BT[..., None], atol=2e-6, rtol=1e-5
    )


def test_gradients_equal_those_of_the_dense_reference():
    layer = experts(num_experts=5).eval()
    x_BTD, real_BT = states(2, 7).requires_grad_(), mask(7, 5)
    wanted = [x_BTD, *layer.parameters()]

    found = torch.autograd.grad(layer(x_BTD, real_BT).square().sum(), wanted)
    expected = torch.autograd.grad((dense(layer, x_BTD, real_BT)).square().sum(), wanted)

    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("counts", [[3, 0, 5, 2], [0, 0, 10, 0], [4, 2, 2, 2]])
def test_grouped_products_equal_those_group_by_group_to_the_bit(counts):
    counts_G = torch.tensor(counts)
    x_MK = torch.randn(10, 8, requires_grad=True)
    weight_GKN = torch.randn(4, 8, 12, requires_grad=True)

    one, other = grouped_product(x_MK, weight_GKN, counts_G), segments(x_MK, weight_GKN, counts_G)

    assert torch.equal(one, other)
    seed = torch.randn_like(one)
    for found, expected in zip(
        torch.autograd.grad(one, [x_MK, weight_GKN], seed),
        torch.autograd.grad(other, [x_MK, weight_GKN], seed),
        strict=True,
    ):
        assert torch.equal(found, expected)


def test_an_idle_expert_has_a_gradient_of_zero():
    layer = experts("switch", num_experts=3, inner=7)
    nn.init.zeros_(layer.router.scores.weight_ED)

    layer(states(1, 4), mask(4)).sum().backward()

    assert layer.expand_EDF.grad[0].abs().sum() > 0
    assert layer.expand_EDF.grad[1:].abs().sum() == 0


def test_what_does_not_fit_an_expert_passes_by():
    layer = experts("switch", capacity=0.25, num_experts=2)
    nn.init.zeros_(layer.router.scores.weight_ED)  # all go to the first, which takes 1 of 4

    given = layer(states(1, 4), mask(4))

    assert given[0, 0].abs().sum() > 0
    assert (given[0, 1:] == 0).all()
    dropped, asked = layer.gauges["dropped"]
    assert (dropped.item(), asked.item()) == (3, 4)
    assert [layer.gauges[f"load.0{expert}"][0].item() for expert in range(2)] == [4, 0]


def test_permuting_experts_changes_nothing():
    layer, other = experts().eval(), experts().eval()
    order = torch.tensor([2, 0, 3, 1])
    with torch.no_grad():
        for name in ("expand_EDF", "contract_EFD"):
            getattr(other, name).copy_(getattr(layer, name)[order])
        other.router.scores.weight_ED.copy_(layer.router.scores.weight_ED[order])
    x_BTD, real_BT = states(2, 5), mask(5, 5)

    torch.testing.assert_close(layer(x_BTD, real_BT), other(x_BTD, real_BT), atol=1e-6, rtol=1e-5)


def test_a_position_alone_gives_what_it_gives_in_a_batch():
    layer = experts(shared=1).eval()
    x_BTD = states(2, 5)
    whole = layer(x_BTD, mask(5, 5))

    torch.testing.assert_close(layer.step(x_BTD[1, 3:4], None)[0], whole[1, 3:4], atol=1e-6, rtol=1e-5)


def test_shared_experts_serve_every_position():
    layer = experts(shared=2).eval()
    x_BTD = states(1, 4)
    apart = layer.shared(x_BTD)
    inner = functional.relu(x_BTD @ layer.shared.expand.weight.T)

    assert layer.shared.expand.weight.shape == (24, 8)
    torch.testing.assert_close(apart, inner @ layer.shared.contract.weight.T)
    with torch.no_grad():
        layer.contract_EFD.zero_()
    torch.testing.assert_close(layer(x_BTD, mask(4)), apart)


def test_losses_of_layers_add_up():
    layer, beside = experts("switch"), {}

    layer(states(2, 5), mask(5, 4), auxiliary=beside)
    once = beside["balance"].clone()
    layer(states(2, 5), mask(5, 4), auxiliary=beside)

    torch.testing.assert_close(beside["balance"], 2 * once)


def test_loads_of_micro_batches_are_those_of_the_whole_step():
    whole, cut = experts(bias_rate=0.1), experts(bias_rate=0.1)
    x_BTD, real_BT = states(4, 6), mask(6, 5, 3, 1)

    whole(x_BTD, real_BT)
    for rows in (slice(0, 1), slice(1, 4)):
        cut(x_BTD[rows], real_BT[rows])

    assert torch.equal(whole.load_E, cut.load_E)
    whole.finish_step(step=1, moved=True)
    cut.finish_step(step=1, moved=True)
    assert torch.equal(whole.router.bias_E, cut.router.bias_E)
    assert whole.router.bias_E.abs().sum() > 0
    cut(x_BTD, real_BT)
    cut.finish_step(step=2, moved=False)
    assert torch.equal(whole.router.bias_E, cut.router.bias_E)
    assert cut.load_E is None


def test_what_processes_add_up_leaves_alone_what_was_measured_in_each(monkeypatch):
    layer = experts()
    layer(states(4, 6), mask(6, 5, 3, 1))
    measured = {name: (total.clone(), count) for name, (total, count) in layer.gauges.items()}
    gauges = layer.gauges
    monkeypatch.setattr(torch.distributed, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.distributed, "all_reduce", lambda tensor: tensor.mul_(2))

    layer.finish_step(step=1, moved=True)

    assert gauges == measured
    assert "load.00" in gauges
