"""Linear attention and FAVOR+: sums over keys give what the matrix of all pairs of features gives."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from seqspec.components._layers.projections import merge
from tests.components.self_attention.attention_parts import EXACT, dense, made, real, states

CASES = [("linear", {}), ("performer", {"num_features": 24}), ("performer", {"kernel": "relu"})]


@pytest.mark.parametrize(("name", "keys"), CASES)
@pytest.mark.parametrize("causal", [False, True])
def test_sums_are_the_matrix_of_pairs(name, keys, causal):
    module = made(name, causal=causal, rotary=True, **keys)
    x_BTD, real_BT = states(150), real(150, 90)
    given = module._features(x_BTD, real_BT=None if causal else real_BT)
    pairs = given.queries @ given.keys.transpose(-1, -2)
    pairs = pairs.tril() if causal else pairs
    expected = module.output(merge(pairs @ given.values / pairs.sum(-1, keepdim=True)))

    found = module(x_BTD) if causal else module(x_BTD, real_BT=real_BT)

    torch.testing.assert_close(found, expected, **EXACT)


def test_linear_attention_has_the_features_of_the_paper():
    module = made("linear")
    x_BTD = states(5)
    query = module.query(x_BTD).unflatten(2, (4, -1)).transpose(1, 2)

    torch.testing.assert_close(module._features(x_BTD).queries, functional.elu(query) + 1)


@pytest.mark.parametrize("size", [1.0, 4.0, 30.0])
def test_large_keys_ahead_do_not_leak_into_favor(size):
    """As published, keys four times as large from position 40 on change the outputs before it by 0.8."""
    module = made("performer", causal=True, dim=128, num_heads=2, num_features=256)
    x_BTD = states(96, dim=128)
    later_BTD = x_BTD.clone()
    later_BTD[:, 40:] *= size

    found, expected = module(later_BTD), module(x_BTD)

    assert found.isfinite().all()
    torch.testing.assert_close(found[:, :40], expected[:, :40], atol=1e-6, rtol=1e-6)


def test_favor_approximates_softmax_where_norms_are_small():
    module = made("performer", dim=64, num_heads=4, num_features=4096)
    x_BTD = 0.5 * states(64, dim=64)
    exact = dense(module, x_BTD, lambda q, k: q == q + 0 * k)
    uniform = module.output(
        merge(module._features(x_BTD).values.mean(2, keepdim=True).expand(-1, -1, 64, -1))
    )

    error = (module(x_BTD) - exact).norm() / exact.norm()

    assert error < 0.08
    assert error < 0.2 * (uniform - exact).norm() / exact.norm()


def test_more_features_come_nearer_to_softmax():
    errors = []
    for features in (16, 256, 4096):
        module = made("performer", dim=64, num_heads=4, num_features=features)
        with torch.no_grad():
            exact = dense(module, states(64, dim=64), lambda q, k: q == q + 0 * k)
            errors.append(float((module(states(64, dim=64)) - exact).norm() / exact.norm()))

    assert errors == sorted(errors, reverse=True)


def test_random_features_are_a_function_of_seed_and_step():
    one, other = (made("performer", num_features=8, redraw_every_steps=5) for _ in range(2))
    first = one.random_ME.clone()
    for step in range(1, 6):
        one.finish_step(step=step, moved=True)
    other.finish_step(step=5, moved=True)

    torch.testing.assert_close(one.random_ME, other.random_ME, atol=0, rtol=0)
    assert not torch.equal(one.random_ME, first)
    assert not torch.equal(made("performer", seed=1, num_features=8).random_ME, first)


def test_rows_of_a_block_are_orthogonal():
    rows = made("performer", dim=32, num_heads=4, num_features=8).random_ME
    products = rows @ rows.T

    torch.testing.assert_close(products, products.diag().diag(), atol=1e-4, rtol=0)
