"""What is carried from row to row: the rows of a text give what the whole text gives."""

from __future__ import annotations

import pytest
import torch

from tests.components.self_attention.attention_parts import EXACT, made, states

KINDS = {
    "transformer_xl": {"segment": 4, "memory": 12},
    "compressive": {"segment": 4, "memory": 8, "compressed": 3, "rate": 2},
}


ALL = {**KINDS, "mamba2": {"state_dim": 8, "head_dim": 8, "kernel": 3}}


def by_rows(module, x_BTD, sizes, **named):
    """The rows one after another, each with what the one before it kept."""
    module.carried.keeps, module.carried.past = True, {}
    found = []
    for row_BTD in x_BTD.split(sizes, 1):
        found.append(module(row_BTD, **named))
        module.carried.past = module.carried.kept
    module.carried.past = {}
    return torch.cat(found, 1)


@pytest.mark.parametrize("kind", ALL)
@pytest.mark.parametrize("sizes", [(4, 4, 4, 4, 4, 4, 4, 4), (8, 16, 4, 4), (28, 4), (20, 8, 4)])
def test_rows_with_what_is_carried_are_the_whole_text(kind, sizes):
    module = made(kind, causal=True, **ALL[kind])
    if kind in KINDS:
        torch.nn.init.normal_(module.scores.distance_bias_HE)
    x_BTD = states(sum(sizes))

    torch.testing.assert_close(by_rows(module, x_BTD, sizes), module(x_BTD), **EXACT)
    apart = torch.cat([module(row_BTD) for row_BTD in x_BTD.split(sizes, 1)], 1)
    assert not torch.allclose(apart, module(x_BTD), atol=1e-3)


def test_the_loss_of_compression_is_that_of_the_whole_text():
    """In rows of one segment, the paper's, it looks into what was carried."""
    module = made("compressive", causal=True, **KINDS["compressive"])
    x_BTD, beside = states(32), {}
    module(x_BTD, auxiliary=beside)
    rows = {"reconstruction": torch.zeros(2)}
    by_rows(module, x_BTD, [4] * 8, auxiliary=rows)

    assert rows["reconstruction"].requires_grad
    # Each row has the mean of its segments: six of the eight have a whole memory.
    torch.testing.assert_close(rows["reconstruction"] / 6, beside["reconstruction"], **EXACT)


@pytest.mark.parametrize("sizes", [(1,) * 9, (64, 64, 7), (130, 1, 63)])
def test_a_state_space_layer_goes_on_from_any_row(sizes):
    """Rows shorter than its convolution, and of whole chunks and parts of them."""
    module = made("mamba2", causal=True, **ALL["mamba2"])
    x_BTD = states(sum(sizes))

    torch.testing.assert_close(by_rows(module, x_BTD, sizes), module(x_BTD), **EXACT)


@pytest.mark.parametrize("kind", ALL)
def test_no_gradient_goes_into_the_row_before(kind):
    module = made(kind, causal=True, **ALL[kind])
    x_BTD = states(16).requires_grad_()

    by_rows(module, x_BTD, [8, 8])[:, 12].sum().backward()

    reached = (x_BTD.grad.abs().sum((0, 2)) > 0).nonzero().flatten().tolist()
    assert reached == ([12] if kind in KINDS else [8, 9, 10, 11, 12])
    assert not any(kept.requires_grad for kept in module.carried.kept.values())
