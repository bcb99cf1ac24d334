"""Values that can be worked out by hand, or that were taken from the original graphs."""

from __future__ import annotations

import math

import pytest
import torch

from seqspec.components._layers.routing import capacity, evenness, load, normalizer, variation, within
from seqspec.components.router.noisy_top_k import chance_of_choice

from .routers import mask, router, states


def chosen(*experts):
    """``[1, T, K]``."""
    return torch.tensor([experts]).reshape(1, len(experts), -1)


@pytest.mark.parametrize(("num_experts", "k", "value"), [(8, 2, 3.0), (60, 4, 14.0), (240, 4, 59.0)])
def test_variation_where_all_go_to_the_same_experts(num_experts, k, value):
    """E / k - 1."""
    amount_BE = torch.zeros(1, num_experts)
    amount_BE[:, :k] = 5.0

    assert variation(amount_BE).item() == pytest.approx(value, rel=1e-6)


def test_evenness_of_switch():
    everything_first = load(chosen(0, 0, 0, 0), torch.ones(1, 4, 1, dtype=torch.bool), 4)
    even = load(chosen(0, 1, 2, 3), torch.ones(1, 4, 1, dtype=torch.bool), 4)
    uniform_BTE = torch.full((1, 4, 4), 0.25)
    collapsed_BTE = torch.eye(4)[[0] * 4][None]

    assert evenness(even, uniform_BTE, mask(4)).item() == pytest.approx(1)
    assert evenness(everything_first, uniform_BTE, mask(4)).item() == pytest.approx(1)
    assert evenness(everything_first, collapsed_BTE, mask(4)).item() == pytest.approx(4)


@pytest.mark.parametrize(("num_experts", "value"), [(8, 4.324), (64, 17.296)])
def test_normalizer_of_zero_scores(num_experts, value):
    found = normalizer(torch.zeros(1, 3, num_experts), mask(3)).item()

    assert found == pytest.approx(math.log(num_experts) ** 2, rel=1e-6)
    assert found == pytest.approx(value, abs=1e-3)


@pytest.mark.parametrize(
    ("num_experts", "k", "importance", "each"), [(8, 2, 0.010, 2.03), (60, 4, 0.014, 4.08)]
)
def test_noisy_gates_at_their_start(num_experts, k, importance, each):
    """N = 1,024 zero scores with noise of ln 2 + 0.01: figures of the original graph within sampling noise."""
    built = router("noisy_top_k", num_experts=num_experts, k=k)
    torch.nn.init.zeros_(built.scores.weight_ED)
    routing = built(states(1, 1024), mask(1024))

    assert routing.losses["load"].item() < 0.001
    assert routing.losses["importance"].item() == pytest.approx(importance, abs=0.012)
    noisy = torch.randn(1, 4096, num_experts) * 0.7031
    best = noisy.sort(dim=-1, descending=True, stable=True).indices[..., : k + 1]
    std = torch.full_like(noisy, 0.7031)
    smooth = chance_of_choice(torch.zeros_like(noisy), noisy, std, best).sum() / 4096
    assert smooth.item() == pytest.approx(each, abs=0.1)  # two standard errors of 1,024 positions


def test_the_smooth_load_of_one_score_against_what_it_has_to_beat():
    clean = torch.tensor([[[1.0, 0.5, 0.0]]])
    noisy = torch.tensor([[[0.9, 0.7, 0.1]]])
    found = chance_of_choice(clean, noisy, torch.full_like(clean, 0.5), torch.tensor([[[0, 1]]]))

    expected = [0.5 * (1 + math.erf(x / math.sqrt(2))) for x in (0.6, -0.8, -1.8)]
    assert found.flatten().tolist() == pytest.approx(expected, abs=1e-6)


def test_capacity_is_rounded_up():
    lengths = torch.tensor([100, 8, 1, 0])

    assert capacity(lengths, factor=1.25, choices=1, num_experts=8).tolist() == [16, 2, 1, 1]
    assert capacity(lengths, factor=1.0, choices=2, num_experts=8).tolist() == [25, 2, 1, 1]


def test_the_first_positions_fill_an_expert():
    asked = torch.ones(1, 4, 1, dtype=torch.bool)
    kept = within(chosen(0, 0, 0, 1), asked, torch.tensor([1]), num_experts=2, by_choice=False)

    assert kept.flatten().tolist() == [True, False, False, True]


def test_first_choices_go_before_second_ones_where_nothing_is_causal():
    both = chosen([0, 1], [1, 0], [1, 0])
    asked = torch.ones_like(both, dtype=torch.bool)
    limit = torch.tensor([2])

    by_choice = within(both, asked, limit, num_experts=2, by_choice=True)
    in_time = within(both, asked, limit, num_experts=2, by_choice=False)

    assert by_choice[0].tolist() == [[True, False], [True, True], [True, False]]
    assert in_time[0].tolist() == [[True, True], [True, True], [False, False]]


def test_later_positions_change_nothing_in_a_causal_stack():
    built = router("top_two", causal=True, capacity=0.5, num_experts=2)
    x_BTD = states(1, 6)
    other_BTD = torch.cat([x_BTD[:, :3], states(1, 3, seed=9)], 1)

    kept, other = built(x_BTD, mask(6)).kept_BTK, built(other_BTD, mask(6)).kept_BTK

    assert torch.equal(kept[:, :3], other[:, :3])
    assert not kept.all()


def test_evaluation_drops_nothing():
    built = router("switch", capacity=0.25)
    x_BTD, real_BT = states(1, 8), mask(8)

    assert not built(x_BTD, real_BT).kept_BTK.all()
    assert built.eval()(x_BTD, real_BT).kept_BTK.all()


def test_experts_that_choose_take_equally_many():
    routing = router("expert_choice", capacity=2.0)(states(2, 8), mask(8, 6))

    assert routing.kept_BTK.sum(1).tolist() == [[4] * 4, [3] * 4]


def test_biases_follow_integer_loads_and_never_weigh():
    built = router("bias_balanced", num_experts=3, k=1, bias_rate=0.5, until_step=2)
    x_BTD, real_BT = states(1, 7), mask(7)
    before = built(x_BTD, real_BT)

    built.rebalance(torch.tensor([5, 2, 0]), step=1)
    assert built.bias_E.tolist() == [-0.5, 0.5, 0.5]
    built.rebalance(torch.tensor([3, 3, 3]), step=2)
    built.rebalance(torch.tensor([9, 0, 0]), step=3)
    assert built.bias_E.tolist() == [-0.5, 0.5, 0.5]

    after = built(x_BTD, real_BT)
    assert not torch.equal(before.chosen_BTK, after.chosen_BTK)
    assert torch.equal(after.weight_BTK, torch.ones_like(after.weight_BTK))


def test_rules_keep_the_load_even():
    """200 steps: the largest load is at most 1.15 times the mean, and without the rule above 2."""
    x_BTD = states(4, 64) + 1.0
    real_BT = mask(64, 64, 64, 64)
    held, free = (router("bias_balanced", k=1, bias_rate=rate) for rate in (0.005, 0.0))
    for built in (held, free):
        torch.nn.init.normal_(built.scores.weight_ED, std=0.3, generator=torch.Generator().manual_seed(4))
    for step in range(1, 201):
        for built in (held, free):
            routing = built(x_BTD, real_BT)
            load_E = load(routing.chosen_BTK, routing.asked_BTK, 4).sum(0)
            built.rebalance(load_E, step=step)
            built.worst = load_E.max().item() / (256 / 4)

    assert free.worst > 2
    assert held.worst < 1.15
